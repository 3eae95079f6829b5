"""Reduces a CustomResourceDefinition to what validation takes: `reduce.py CRD.yaml...` writes <kind>.json beside itself."""

import json
import sys
from pathlib import Path

import yaml

KEPT = {
    "additionalProperties", "allOf", "anyOf", "enum", "items", "maxItems", "maxLength", "maximum", "minItems", "minLength",
    "minimum", "not", "nullable", "oneOf", "pattern", "properties", "required", "type", "x-kubernetes-int-or-string",
    "x-kubernetes-preserve-unknown-fields",
}  # fmt: skip


def reduced(schema):
    """The schema without prose, defaults and hints for merging."""
    if isinstance(schema, list):
        return [reduced(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: reduced(value) for key, value in schema.items() if key in KEPT - {"properties", "enum"}}
    if "properties" in schema:
        kept["properties"] = {name: reduced(value) for name, value in schema["properties"].items()}
    if "enum" in schema:
        kept["enum"] = schema["enum"]
    return kept


def main() -> None:
    for path in sys.argv[1:]:
        definition = yaml.safe_load(Path(path).read_text())["spec"]
        kind = definition["names"]["kind"]
        versions = {
            f"{definition['group']}/{version['name']}": reduced(version["schema"]["openAPIV3Schema"])
            for version in definition["versions"]
        }
        for schema in versions.values():
            schema["properties"].pop("status", None)
        target = Path(__file__).with_name(f"{kind.lower()}.json")
        target.write_text(
            json.dumps({"kind": kind, "versions": versions}, separators=(",", ":"), sort_keys=True) + "\n"
        )


if __name__ == "__main__":
    main()
