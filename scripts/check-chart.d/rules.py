"""What must hold in every render, each rule with a sentence that says so. A rule yields what breaks it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import yaml

TASK_LIMIT = 900
"""Seconds that a worker may take for one task: half of RabbitMQ's consumer timeout."""

PROGRAMS = ("dispatcher", "analysis-worker", "encoding-worker-gpu", "encoding-worker-cpu")
STABLE = {"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component"}
COMPONENT = "app.kubernetes.io/component"
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
GPU = re.compile(r"^nvidia\.com/(gpu(\.shared)?|mig-[0-9a-z.]+)$")


def at(tree, *path, default=None):
    """The value at that path of mappings."""
    for part in path:
        if not isinstance(tree, dict) or part not in tree:
            return default
        tree = tree[part]
    return tree if tree is not None else default


def name_of(document: dict) -> str:
    return f"{document.get('kind')}/{at(document, 'metadata', 'name')}"


@dataclass(frozen=True)
class Pod:
    """A pod, or the template of pods."""

    owner: dict
    labels: dict
    spec: dict

    @property
    def name(self) -> str:
        return name_of(self.owner)

    @property
    def component(self) -> str:
        return self.labels.get(COMPONENT, "")

    @property
    def containers(self) -> list[dict]:
        return [*(self.spec.get("initContainers") or []), *(self.spec.get("containers") or [])]

    @property
    def runs_langflix(self) -> bool:
        return any((container.get("command") or [""])[0].startswith("langflix") for container in self.containers)

    @property
    def is_program(self) -> bool:
        return self.owner["kind"] in WORKLOADS and self.component in PROGRAMS


def pod_of(document: dict) -> Pod | None:
    kind, spec = document.get("kind"), document.get("spec") or {}
    if kind == "Pod":
        return Pod(document, at(document, "metadata", "labels", default={}), spec)
    template = at(spec, "jobTemplate", "spec", "template") if kind == "CronJob" else spec.get("template")
    if kind in (*WORKLOADS, "Job", "CronJob") and template:
        return Pod(document, at(template, "metadata", "labels", default={}), template.get("spec") or {})
    return None


@dataclass(frozen=True)
class View:
    """A render's objects. `outside` are names of what its values bring along or count on: other ConfigMaps, extra objects."""

    objects: list[dict]
    outside: frozenset[str] = frozenset()

    @cached_property
    def pods(self) -> list[Pod]:
        return [pod for pod in map(pod_of, self.objects) if pod]

    @cached_property
    def programs(self) -> list[Pod]:
        return [pod for pod in self.pods if pod.is_program]

    def of(self, *kinds: str) -> list[dict]:
        return [document for document in self.objects if document.get("kind") in kinds]

    def names(self, *kinds: str) -> set[str]:
        return {at(document, "metadata", "name") for document in self.of(*kinds)}


Rule = Callable[[View], Iterator[str]]
RULES: list[tuple[str, Rule]] = []


def rule(sentence: str) -> Callable[[Rule], Rule]:
    def add(check: Rule) -> Rule:
        RULES.append((sentence, check))
        return check

    return add


def selects(selector: dict | None, labels: dict) -> bool:
    """Whether a label selector takes these labels; an empty one takes all."""
    selector = selector or {}
    wanted = all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
    return wanted and all(_expression(one, labels) for one in selector.get("matchExpressions") or [])


def _expression(one: dict, labels: dict) -> bool:
    there, values = one["key"] in labels, one.get("values") or []
    match one["operator"]:
        case "In":
            return there and labels[one["key"]] in values
        case "NotIn":
            return not there or labels[one["key"]] not in values
        case "Exists":
            return there
        case "DoesNotExist":
            return not there
    raise ValueError(f"unknown operator {one['operator']}")


def settings(pod: Pod, view: View) -> tuple[str, dict[str, str]]:
    """The text of `langflix.yaml` that the pod's first container is given, and its environment, secrets left out."""
    maps = {at(document, "metadata", "name"): document.get("data") or {} for document in view.of("ConfigMap")}
    volumes = {volume["name"]: volume for volume in pod.spec.get("volumes") or []}
    container = pod.spec["containers"][0]
    text = ""
    for mount in container.get("volumeMounts") or []:
        source = at(volumes.get(mount["name"], {}), "configMap", "name")
        if source in maps and "langflix.yaml" in maps[source]:
            text = maps[source]["langflix.yaml"]
    return text, {one["name"]: one["value"] for one in container.get("env") or [] if "value" in one}


def setting(pod: Pod, view: View, section: str, key: str):
    """A setting as the program has it: the environment before the file."""
    text, environment = settings(pod, view)
    return environment.get(f"LANGFLIX__{section}__{key}".upper(), at(yaml.safe_load(text) or {}, section, key))
