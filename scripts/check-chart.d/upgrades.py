"""What an upgrade or a second render must leave as it is."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import yaml
from cases import merged
from rules import at, name_of, pod_of

IMMUTABLE = {
    "DaemonSet": ["spec.selector"],
    "Deployment": ["spec.selector"],
    "Job": ["spec.selector", "spec.template", "spec.completions", "spec.completionMode"],
    "PersistentVolumeClaim": ["spec.accessModes", "spec.storageClassName", "spec.volumeMode", "spec.selector"],
    "PriorityClass": ["value", "preemptionPolicy", "globalDefault"],
    "Service": ["spec.clusterIP", "spec.selector"],
    "StatefulSet": ["spec.selector", "spec.serviceName", "spec.volumeClaimTemplates", "spec.podManagementPolicy"],
}
"""Fields that the API lets nobody change, by kind; a Service's selector could, but would leave the old pods without traffic."""

UNSTEADY = re.compile(
    r"\b(lookup|rand(AlphaNum|Alpha|Numeric|Ascii|Int|Bytes)|uuidv4|now|ago|gen(CA|CAWithKey|SignedCert|SelfSignedCert|PrivateKey)\w*"
    r"|derivePassword|htpasswd|bcrypt|encryptAES|getHostByName|env|expandenv)\b"
)
"""Functions of templates whose answer differs from one render to the next, or by the cluster."""

ELSEWHERE = re.compile(r"\.(Capabilities|Release\.(IsInstall|IsUpgrade|Revision))\b")
"""What templates are told that a render without the cluster, as Argo CD makes it, does not know."""

CHANGES = {
    "commonLabels": {"changed": "yes"},
    "commonAnnotations": {"changed": "yes"},
    "image": {"tag": "changed"},
    "mediaImage": {"tag": "changed"},
    "gpuImage": {"tag": "changed"},
    "logFilter": "debug",
    "terminationGracePeriodSeconds": 1800,
    "dispatcher": {"replicas": 5, "podLabels": {"changed": "yes"}},
    "analysisWorker": {"podLabels": {"changed": "yes"}},
}
"""Values that somebody changes in an upgrade."""


def later(chart: Path, folder: Path, values: dict) -> Path:
    """The same chart as a later version of it and of the programs, which has these values as well, so that it can be linted."""
    copy = folder / chart.name
    shutil.copytree(chart, copy)
    about = (copy / "Chart.yaml").read_text()
    about, count = re.subn(r"(?m)^(version|appVersion):.*$", r"\1: 99.0.0", about)
    if count != 2:
        raise ValueError(f"{chart}/Chart.yaml: version and appVersion are not found once each")
    (copy / "Chart.yaml").write_text(about)
    (copy / "values.yaml").write_text(
        yaml.safe_dump(merged(yaml.safe_load((copy / "values.yaml").read_text()), values))
    )
    return copy


def faults(before: list[dict], after: list[dict]) -> Iterator[str]:
    """Immutable fields that differ between two renders of one release. Hooks are made anew each time."""
    old = {name_of(document): document for document in before if not _is_hook(document)}
    for document in after:
        name, kind = name_of(document), document.get("kind")
        if _is_hook(document) or name not in old:
            continue
        for path in IMMUTABLE.get(kind, []):
            if at(old[name], *path.split(".")) != at(document, *path.split(".")):
                yield f"{name}: {path} changes with an upgrade"


def stale(before: list[dict], after: list[dict]) -> Iterator[str]:
    """Workloads of the programs whose pods would keep an old configuration, since their template stays as it is."""
    new = {name_of(document): document for document in after}
    for document in before:
        pod = pod_of(document)
        if pod and pod.is_program and document["spec"]["template"] == new[pod.name]["spec"]["template"]:
            yield f"{pod.name}: goes on with its old configuration when that changes"


def _is_hook(document: dict) -> bool:
    return bool(at(document, "metadata", "annotations", "helm.sh/hook"))


def unsteady(chart: Path) -> Iterator[str]:
    """Functions in the templates that make a second render another one."""
    for path in sorted((chart / "templates").rglob("*")):
        if path.is_file():
            for number, line in enumerate(path.read_text().splitlines(), 1):
                for action in re.findall(r"\{\{(.*?)\}\}", re.sub(r"\{\{-?\s*/\*.*", "", line)):
                    bare = re.sub(r'"[^"]*"|`[^`]*`|[.$][\w.]+', "", action)
                    if found := UNSTEADY.search(bare) or ELSEWHERE.search(action):
                        yield f"{path.relative_to(chart)}:{number}: {found[0]}"
