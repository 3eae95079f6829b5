"""Rules about pods: how long they may take to end, what they may use, what they may do."""

import re
from collections.abc import Iterator

from rules import GPU, TASK_LIMIT, WORKLOADS, Pod, View, at, rule, setting

VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}


UNITS = {"": 1, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def quantity(text) -> float | None:
    """A quantity of Kubernetes as a number; None where there is none, or none that it takes."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(m|k|M|G|T|Ki|Mi|Gi|Ti)?", str(text))
    return float(found[1]) * UNITS[found[2] or ""] if found else None


def too_large(view: View, cores: float, gib: float) -> Iterator[str]:
    """What is more than a machine with that many cores and GiB of memory holds, GPU workers left out."""
    cpu = memory = most = 0.0
    for pod in (pod for pod in view.pods if pod.owner["kind"] in WORKLOADS and pod.component != "encoding-worker-gpu"):
        for container in pod.spec["containers"]:
            count = pod.owner["spec"].get("replicas") or _least(view, pod)
            cpu += count * (quantity(at(container, "resources", "requests", "cpu")) or 0)
            memory += count * (quantity(at(container, "resources", "requests", "memory")) or 0) / 2**30
            most += count * (quantity(at(container, "resources", "limits", "memory")) or 0) / 2**30
    if cpu > cores or memory > gib:
        yield f"asks for {cpu:.1f} cores and {memory:.1f} GiB where there are {cores} and {gib}"
    if most > gib:
        yield f"may take {most:.1f} GiB where there are {gib}"


def _least(view: View, pod: Pod) -> int:
    """How many a scaler starts with."""
    for one in view.of("ScaledObject", "HorizontalPodAutoscaler"):
        if one["spec"]["scaleTargetRef"]["name"] == at(pod.owner, "metadata", "name"):
            return one["spec"].get("minReplicas", one["spec"].get("minReplicaCount", 1))
    return 1


@rule("a pod has more time to end than a task may take and than its program drains")
def ends_in_time(view: View) -> Iterator[str]:
    for pod in view.programs:
        grace = pod.spec.get("terminationGracePeriodSeconds", 30)
        drain = setting(pod, view, "fleet", "drain_seconds")
        if grace <= TASK_LIMIT:
            yield f"{pod.name}: terminationGracePeriodSeconds is {grace}, a task may take {TASK_LIMIT}"
        if drain is None:
            yield f"{pod.name}: fleet.drain_seconds is not set, so that the grace period cannot follow it"
        elif not TASK_LIMIT <= int(drain) < grace:
            yield f"{pod.name}: fleet.drain_seconds is {drain}, not from {TASK_LIMIT} to less than the grace period of {grace}"


@rule("every container asks for CPU and memory and has a limit of memory")
def has_limits(view: View) -> Iterator[str]:
    for pod in view.pods:
        for container in pod.containers:
            for path in (("requests", "cpu"), ("requests", "memory"), ("limits", "memory")):
                if not quantity(at(container, "resources", *path)):
                    yield f"{pod.name}, container {container['name']}: no resources.{'.'.join(path)}"
            asked, most = (quantity(at(container, "resources", kind, "memory")) for kind in ("requests", "limits"))
            if asked and most and asked > most:
                yield f"{pod.name}, container {container['name']}: asks for more memory than its limit"


@rule("a folder in the node's storage or memory has a size")
def volumes_are_sized(view: View) -> Iterator[str]:
    for pod in view.pods:
        for volume in pod.spec.get("volumes") or []:
            if "emptyDir" in volume and not at(volume, "emptyDir", "sizeLimit"):
                yield f"{pod.name}, volume {volume['name']}: emptyDir without sizeLimit"


@rule("pod security standard restricted: pods")
def restricted_pods(view: View) -> Iterator[str]:
    for pod in view.pods:
        for key in ("hostNetwork", "hostPID", "hostIPC"):
            if pod.spec.get(key):
                yield f"{pod.name}: {key}"
        for volume in pod.spec.get("volumes") or []:
            for kind in volume.keys() - VOLUMES - {"name"}:
                yield f"{pod.name}, volume {volume['name']}: {kind} is not allowed"
        if at(pod.spec, "securityContext", "sysctls"):
            yield f"{pod.name}: sysctls"
        if at(pod.spec, "securityContext", "runAsUser") == 0:
            yield f"{pod.name}: runAsUser is 0"


@rule("pod security standard restricted: containers")
def restricted_containers(view: View) -> Iterator[str]:
    for pod in view.pods:
        for container in pod.containers:
            where = f"{pod.name}, container {container['name']}"
            own, whole = container.get("securityContext") or {}, pod.spec.get("securityContext") or {}
            if own.get("runAsNonRoot", whole.get("runAsNonRoot")) is not True or own.get("runAsUser") == 0:
                yield f"{where}: runAsNonRoot is not true"
            if at(own, "seccompProfile", "type", default=at(whole, "seccompProfile", "type")) != "RuntimeDefault":
                yield f"{where}: seccompProfile is not RuntimeDefault"
            if own.get("allowPrivilegeEscalation") is not False:
                yield f"{where}: allowPrivilegeEscalation is not false"
            if own.get("privileged") or own.get("procMount", "Default") != "Default":
                yield f"{where}: privileged or procMount"
            if at(own, "capabilities", "drop") != ["ALL"] or at(own, "capabilities", "add"):
                yield f"{where}: capabilities are not drop [ALL] alone"
            if any("hostPort" in port for port in container.get("ports") or []):
                yield f"{where}: hostPort"


@rule("root file systems are read-only, and no service account's token is mounted")
def writes_nowhere(view: View) -> Iterator[str]:
    for pod in view.pods:
        if pod.spec.get("automountServiceAccountToken") is not False:
            yield f"{pod.name}: automountServiceAccountToken is not false"
        for container in pod.containers:
            if at(container, "securityContext", "readOnlyRootFilesystem") is not True:
                yield f"{pod.name}, container {container['name']}: readOnlyRootFilesystem is not true"


@rule("programs are probed by HTTP, and may take five minutes to start")
def is_probed(view: View) -> Iterator[str]:
    paths = {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"}
    for pod in view.programs:
        container = pod.spec["containers"][0]
        for probe, path in paths.items():
            if at(container, probe, "httpGet", "path") != path or at(container, probe, "httpGet", "port") != "health":
                yield f"{pod.name}: {probe} does not ask {path} on the port health"
        start = container.get("startupProbe") or {}
        if start.get("periodSeconds", 10) * start.get("failureThreshold", 3) < 300:
            yield f"{pod.name}: startupProbe gives up before 300 s"


@rule("a GPU worker has exactly one GPU, and others none")
def has_its_gpu(view: View) -> Iterator[str]:
    for pod in view.pods:
        for container in pod.containers:
            limits = at(container, "resources", "limits", default={})
            gpus = {key: value for key, value in limits.items() if GPU.match(key)}
            wanted = pod.component == "encoding-worker-gpu"
            if wanted and list(map(str, gpus.values())) != ["1"] or not wanted and gpus:
                yield f"{pod.name}, container {container['name']}: GPUs {gpus or 'none'}"


@rule("an image is named whole: a digest, or a tag that is not latest")
def images_are_pinned(view: View) -> Iterator[str]:
    for pod in view.pods:
        for container in pod.containers:
            image = container.get("image", "")
            tag = image.rpartition("/")[2].partition(":")[2]
            if "@" not in image and tag in ("", "latest"):
                yield f"{pod.name}, container {container['name']}: image {image!r}"


@rule("variables, volumes and ports have one name each, and every mount has its volume")
def names_are_whole(view: View) -> Iterator[str]:
    for pod in view.pods:
        volumes = [volume["name"] for volume in pod.spec.get("volumes") or []]
        yield from (f"{pod.name}: volume {name} twice" for name in _twice(volumes))
        for container in pod.containers:
            where = f"{pod.name}, container {container['name']}"
            mounts = container.get("volumeMounts") or []
            yield from (f"{where}: {one} twice" for one in _twice([env["name"] for env in container.get("env") or []]))
            yield from (f"{where}: {one} mounted twice" for one in _twice([mount["mountPath"] for mount in mounts]))
            yield from (f"{where}: no volume {m['name']}" for m in mounts if m["name"] not in volumes)


def _twice(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})
