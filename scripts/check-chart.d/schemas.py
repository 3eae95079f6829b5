"""Objects against the schemas of the API that takes them, unknown fields refused."""

import json
from functools import cache
from pathlib import Path

import kubernetes_validate
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry, Resource

KUBERNETES = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
CUSTOM = Path(__file__).parent / "crds"


@cache
def _definitions(version: str) -> Registry:
    folder = KUBERNETES / f"v{version}.0-local-strict"
    if not folder.is_dir():
        raise SystemExit(f"no schemas of Kubernetes {version} in {KUBERNETES}")
    return Resource.from_contents(json.loads((folder / "_definitions.json").read_text())) @ Registry()


@cache
def _builtin(version: str, api: str, kind: str) -> Draft202012Validator | None:
    group, _, number = api.rpartition("/")
    name = f"{kind.lower()}-{group.split('.')[0]}{'-' if group else ''}{number}.json"
    path = KUBERNETES / f"v{version}.0-local-strict" / name
    if not path.exists():
        return None
    schema = json.loads(path.read_text())
    return Draft202012Validator(schema, registry=Resource.from_contents(schema) @ _definitions(version))


def closed(schema):
    """A CRD's schema as JSON Schema: what it doesn't name is refused instead of dropped, as the API does with strict fields."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: closed(value) for key, value in schema.items() if key not in ("properties", "enum")}
    if "enum" in schema:
        made["enum"] = schema["enum"]
    if "properties" in schema:
        made["properties"] = {name: closed(value) for name, value in schema["properties"].items()}
    if made.pop("x-kubernetes-int-or-string", False):
        made["type"] = ["integer", "string"]
    keeps = made.pop("x-kubernetes-preserve-unknown-fields", False)
    if made.get("type") == "object" and not keeps:
        made.setdefault("additionalProperties", False)
    if made.pop("nullable", False) and "type" in made:
        made["type"] = [made["type"], "null"]
    return made


@cache
def _custom(api: str, kind: str) -> Draft202012Validator | None:
    path = CUSTOM / f"{kind.lower()}.json"
    versions = json.loads(path.read_text())["versions"] if path.exists() else {}
    if api not in versions:
        return None
    schema = closed(versions[api])
    # The API server knows metadata by itself; a definition says no more than that it is an object.
    schema["properties"]["metadata"] = {"type": "object"}
    return Draft202012Validator(schema)


def faults(document: dict, version: str) -> list[str]:
    """What this version of Kubernetes refuses in the object; custom resources are the same in all."""
    api, kind = document.get("apiVersion", ""), document.get("kind", "")
    validator = _custom(api, kind) or _builtin(version, api, kind)
    if validator is None:
        return [f"no schema of {api} {kind} in Kubernetes {version}"]
    errors = validator.iter_errors(document)
    return [
        f"{'.'.join(str(part) for part in best.absolute_path)}: {best.message[:300]}" for best in map(_deepest, errors)
    ]


def _deepest(error):
    return best_match([error]) or error
