"""The three places that tell of the chart's values, held against each other: values.yaml, its schema, and the README's table.

In values.yaml a comment `# -- text` stands above each key. A mapping whose keys have none is one value as a whole.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from helm import Loader

BEGIN, END = "<!-- values: made from values.yaml -->", "<!-- end of values -->"
FREE = ("config",)
"""Values whose keys the schema lists and values.yaml does not."""


@dataclass(frozen=True)
class Value:
    path: tuple[str, ...]
    default: object
    comment: str

    @property
    def name(self) -> str:
        return ".".join(self.path)


def _comment(lines: list[str], line: int) -> str:
    """The comment that ends above that line, without its mark."""
    found = []
    while line > 0 and lines[line - 1].strip().startswith("#"):
        line -= 1
        found.insert(0, lines[line].strip().lstrip("#").strip())
        if found[0].startswith("-- "):
            return " ".join(found).removeprefix("-- ")
    return ""


def values(text: str) -> list[Value]:
    """All values with their comments; without one where it is missing."""
    lines = text.splitlines()

    def walk(node, path: tuple[str, ...]) -> Iterator[Value]:
        for key, child in node.value:
            here, comment = (*path, key.value), _comment(lines, key.start_mark.line)
            flow = not isinstance(child, yaml.MappingNode) or child.flow_style or not child.value
            if flow or not any(_comment(lines, inner.start_mark.line) for inner, _ in child.value) and comment:
                yield Value(here, _plain(child), comment)
            else:
                yield from walk(child, here)

    return list(walk(yaml.compose(text, Loader), ()))


def _plain(node):
    return Loader("").construct_object(node, deep=True)


def table(text: str) -> str:
    """The README's table of all values."""
    rows = ["| value | what | default |", "|---|---|---|"]
    for value in values(text):
        default = json.dumps(value.default, ensure_ascii=False)
        shown = f"`{default}`" if value.default not in ("", None) else ""
        what = value.comment.replace("|", "\\|")
        rows.append(f"| `{value.name}` | {what} | {shown} |".replace("`{}`", "none").replace("`[]`", "none"))
    return "\n".join(rows)


def with_table(readme: str, text: str) -> str:
    """# Errors: ValueError where the README has no place for the table."""
    if readme.count(BEGIN) != 1 or readme.count(END) != 1:
        raise ValueError(f"README.md needs the lines {BEGIN!r} and {END!r} once")
    head, tail = readme.split(BEGIN)[0], readme.split(END)[1]
    return f"{head}{BEGIN}\n{table(text)}\n{END}{tail}"


def resolved(schema: dict, whole: dict) -> dict:
    """A schema with its reference followed, which may stand beside other keys."""
    while "$ref" in schema:
        target = whole
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    return schema


def mappings(whole: dict) -> list[str]:
    """The paths of all mappings whose keys the schema lists, the topmost's being empty."""

    def walk(schema: dict, path: tuple[str, ...]) -> Iterator[str]:
        schema = resolved(schema, whole)
        if "properties" in schema:
            yield ".".join(path)
            for name, child in schema["properties"].items():
                yield from walk(child, (*path, name))

    return list(walk(whole, ()))


def faults(text: str, whole: dict) -> Iterator[str]:
    """Where values.yaml and the schema differ, or one of them says nothing of a value."""
    listed = values(text)
    for value in listed:
        if not value.comment:
            yield f"values.yaml: {value.name} has no comment"
        elif not re.match(r"^[A-Z0-9`]", value.comment):
            yield f"values.yaml: the comment of {value.name} does not begin as a sentence"
        schema = schema_of(value.path, whole)
        if schema is None:
            yield f"values.schema.json: {value.name} is missing"
        elif not schema.get("description"):
            yield f"values.schema.json: {value.name} has no description"
    yield from _unknown(whole, whole, (), {value.path for value in listed})


def schema_of(path: tuple[str, ...], whole: dict) -> dict | None:
    schema = resolved(whole, whole)
    for part in path:
        if part not in schema.get("properties", {}):
            return None
        schema = resolved(schema["properties"][part], whole)
    return schema


def _unknown(schema: dict, whole: dict, path: tuple[str, ...], paths: set[tuple[str, ...]]) -> Iterator[str]:
    """Keys of the schema that values.yaml does not have, and mappings that allow keys which nobody knows."""
    schema = resolved(schema, whole)
    inner = any(other[: len(path)] == path and len(other) > len(path) for other in paths)
    if inner and schema.get("additionalProperties") is not False:
        yield f"values.schema.json: {'.'.join(path) or 'the top'} allows unknown keys (additionalProperties)"
    if path in paths or path[:1] in [(name,) for name in FREE]:
        return
    if path and not inner:
        # Helm itself gives every chart a mapping of this name.
        if path != ("global",):
            yield f"values.yaml: {'.'.join(path)} is missing, the schema has it"
        return
    for name, child in schema.get("properties", {}).items():
        yield from _unknown(child, whole, (*path, name), paths)


def read(chart: Path) -> tuple[str, dict]:
    return (chart / "values.yaml").read_text(), json.loads((chart / "values.schema.json").read_text())
