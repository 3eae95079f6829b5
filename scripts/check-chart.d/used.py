"""Whether each value does something: one that no template reads is a promise that the chart does not keep.

Values that are words, numbers, lists or mappings are all replaced at once by marks, which must then be found in what is rendered.
Those with few choices are changed one at a time, which must change the render.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from cases import BASE, OPTIONS, merged
from documented import FREE, Value, schema_of, values
from helm import Helm, documents
from rules import at

SCALED = ("analysisWorker", "encodingWorkerGpu", "encodingWorkerCpu")
EVERYTHING = merged(
    BASE,
    *(OPTIONS[name] for name in ("gpu", "cpu", "gemini", "traces", "ingest", "page")),
    *(OPTIONS[name] for name in ("pod-monitor", "prometheus-rule", "dashboards")),
    {
        "priorityClasses": {"create": True},
        "inCluster": {part: {"enabled": True} for part in ("rabbitmq", "redis", "s3")},
    },
)
VARIANTS = (
    {
        "fullnameOverride": "",
        "ca": {"existingConfigMap": ""},
        **{one: {"digest": ""} for one in ("image", "mediaImage", "gpuImage")},
    },
    {
        "ca": {"existingSecret": ""},
        "inCluster": {part: {"enabled": False} for part in ("rabbitmq", "redis")},
        **{part: {"autoscaling": {"kind": "hpa"}, "priorityClassName": ""} for part in SCALED},
    },
    {part: {"autoscaling": {"kind": "keda"}} for part in SCALED},
)
"""Values of which one hides the other are seen in different renders."""


def mark(value: Value, schema: dict, number: int) -> tuple[object, str] | None:
    """What the value becomes, and the pattern that it leaves in a render; None for those with few choices."""
    word, name, types = f"mark{number}", value.path[-1], schema.get("type", [])
    if "enum" in schema or types == "boolean" or "enum" in schema.get("items", {}):
        return None
    if "integer" in types or "number" in types:
        return number, rf"(?<![0-9a-z]){number}(?![0-9a-z])"
    special: dict[str, tuple[object, str]] = {
        "affinity": ({"podAffinity": {word: []}}, word),
        "digest": (f"sha256:{number:064d}", f"{number:064d}"),
        "extraEnv": ([{"name": word, "value": "x"}], word),
        "extraObjects": ([{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": word}}], word),
        "extraVolumeMounts": ([{"name": "x", "mountPath": f"/{word}"}], word),
        "extraVolumes": ([{"name": word}], word),
        "interval": (f"{number}s", f"{number}s"),
        "jobs": ([{"name": word, "paths": ["s3://a/b"]}], word),
        "managementUrl": (f"http://{word}:1", word),
        "resources": ({"requests": {"cpu": f"{number}m", "memory": 1}, "limits": {"memory": 2}}, f"{number}m"),
        "storage": (f"{number}Gi", f"{number}Gi"),
        "tolerations": ([{"key": word}], word),
    }
    if name in special:
        return special[name]
    if types == "array":
        return [{"podSelector": {"matchLabels": {word: "x"}}} if value.path[0] == "networkPolicy" else word], word
    return ({word: "x"} if types == "object" else word), word


def other(schema: dict, now: object) -> object:
    """Another choice than the one that holds."""
    if schema.get("type") == "boolean":
        return not now
    choices = schema.get("enum") or [[one] for one in schema["items"]["enum"]]
    return next(choice for choice in reversed(choices) if choice != now)


def placed(path: tuple[str, ...], value: object) -> dict:
    return {path[0]: placed(path[1:], value) if path[1:] else value}


def idle(helm: Helm, chart: Path, text: str, whole: dict) -> Iterator[str]:
    """The values that change nothing."""
    marks: dict[str, str] = {}
    layers, choices = [EVERYTHING], []
    # Percentages lie below a hundred; all others have four digits, so that no word is the beginning of another.
    numbers, percents = iter(range(1001, 2000)), iter(range(99, 0, -1))
    for value in values(text):
        if value.path[0] in FREE:
            continue
        schema = schema_of(value.path, whole)
        made = mark(value, schema, next(percents if schema.get("maximum", 2000) <= 100 else numbers))
        if made is None:
            choices.append((value.path, schema))
        else:
            layers.append(placed(value.path, made[0]))
            marks[value.name] = made[1]
    shown = "".join(helm.render(chart, merged(*layers, variant)).text(chart) for variant in VARIANTS)
    yield from (name for name, pattern in marks.items() if not re.search(pattern, shown))
    everything = merged(documents(text)[0], EVERYTHING, {"ca": {"existingSecret": "authority"}})
    plain = helm.render(chart, everything)
    for path, schema in choices:
        switched = merged(everything, placed(path, other(schema, at(everything, *path))))
        if helm.render(chart, switched) == plain:
            yield ".".join(path)
