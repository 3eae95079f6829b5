"""Rules about how objects go together: selectors, networks, scaling, secrets, names."""

import re
from collections.abc import Iterator

from rules import PROGRAMS, STABLE, WORKLOADS, View, at, name_of, pod_of, rule, selects

QUEUES = {
    "analysis-worker": {"analysis.interactive.v1", "analysis.bulk.v1"},
    "encoding-worker-gpu": {"encoding.interactive.v1", "encoding.bulk.v1"},
    "encoding-worker-cpu": {"encoding.interactive.v1", "encoding.bulk.v1"},
}
LABEL = re.compile(r"^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$")
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])")
"""In an expression of PromQL: neither a duration's nor one with an exponent."""
ALLOWED = re.compile(r"\(allowed: (\d+(?:\.\d+)?)(?: (%|h))?\)")
IDENTITY = re.compile(r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")


@rule("a name is one object's, in lower case, and has at most 63 characters")
def names_fit(view: View) -> Iterator[str]:
    seen = set()
    for document in view.objects:
        name = at(document, "metadata", "name", default="")
        if len(name) > 63 or not IDENTITY.match(name):
            yield f"{name_of(document)}: the name is no label"
        if (document.get("apiVersion"), name_of(document)) in seen:
            yield f"{name_of(document)}: rendered twice"
        seen.add((document.get("apiVersion"), name_of(document)))


@rule("labels and their values have the form that the API takes")
def labels_have_their_form(view: View) -> Iterator[str]:
    for document in view.objects:
        pod = pod_of(document)
        for labels in (at(document, "metadata", "labels", default={}), pod.labels if pod else {}):
            for key, value in labels.items():
                prefix, _, name = key.rpartition("/")
                if not LABEL.match(name) or len(prefix) > 253 or value and not LABEL.match(str(value)):
                    yield f"{name_of(document)}: label {key}={value}"


@rule("selectors are made of labels that never change")
def selectors_are_stable(view: View) -> Iterator[str]:
    for document in view.of(*WORKLOADS):
        labels = at(document, "spec", "selector", "matchLabels", default={})
        if not labels or at(document, "spec", "selector", "matchExpressions"):
            yield f"{name_of(document)}: selects by expressions, or nothing"
        yield from (f"{name_of(document)}: selects by {key}" for key in sorted(labels.keys() - STABLE))


def selectors(view: View) -> Iterator[tuple[dict, dict]]:
    """Objects that look for pods, with their selector."""
    for document in view.of(*WORKLOADS, "PodDisruptionBudget", "PodMonitor"):
        yield document, at(document, "spec", "selector")
    for document in view.of("Service"):
        if at(document, "spec", "selector"):
            yield document, {"matchLabels": document["spec"]["selector"]}


@rule(
    "a workload, Service, PodDisruptionBudget or PodMonitor finds workloads' pods, and never a hook's, test's or job's"
)
def selects_its_own(view: View) -> Iterator[str]:
    for document, selector in selectors(view):
        found = [pod for pod in view.pods if selects(selector, pod.labels)]
        if not found:
            yield f"{name_of(document)}: selects no pod"
        for pod in found:
            foreign = document["kind"] in WORKLOADS and pod.owner is not document
            if foreign or pod.owner["kind"] not in WORKLOADS:
                yield f"{name_of(document)}: selects the pods of {pod.name}"


@rule("every program has a PodDisruptionBudget of its own, that lets a node be drained")
def is_not_disrupted(view: View) -> Iterator[str]:
    for pod in view.programs:
        budgets = [one for one in view.of("PodDisruptionBudget") if selects(one["spec"].get("selector"), pod.labels)]
        if len(budgets) != 1:
            yield f"{pod.name}: {len(budgets)} PodDisruptionBudgets"
        for one in budgets:
            if str(one["spec"].get("maxUnavailable", "")) in ("0", "0%") or one["spec"].get("minAvailable") == "100%":
                yield f"{name_of(one)}: no pod may ever go"


@rule("with NetworkPolicies, every pod is under one for each direction, and none lets everything through")
def flows_are_named(view: View) -> Iterator[str]:
    policies = view.of("NetworkPolicy")
    for policy in policies:
        for direction in ("ingress", "egress"):
            for flow in policy["spec"].get(direction) or []:
                if not flow.get("ports") and not flow.get("from") and not flow.get("to"):
                    yield f"{name_of(policy)}: {direction} lets everything through"
    for pod in view.pods if policies else []:
        mine = [policy["spec"] for policy in policies if selects(policy["spec"].get("podSelector"), pod.labels)]
        for direction in ("Ingress", "Egress"):
            if not any(direction in (policy.get("policyTypes") or ()) for policy in mine):
                yield f"{pod.name}: no NetworkPolicy for {direction}"


@rule("no Secret holds data")
def keeps_no_secret(view: View) -> Iterator[str]:
    for document in view.of("Secret"):
        if document.get("data") or document.get("stringData"):
            yield f"{name_of(document)}: holds {', '.join({**document.get('data', {}), **document.get('stringData', {})})}"


@rule("the programs' secrets come as files, but for RabbitMQ's user name")
def secrets_are_files(view: View) -> Iterator[str]:
    for pod in (pod for pod in view.pods if pod.runs_langflix):
        for container in pod.containers:
            where = f"{pod.name}, container {container['name']}"
            for env in container.get("env") or []:
                if at(env, "valueFrom", "secretKeyRef") and not env["name"].endswith("USERNAME"):
                    yield f"{where}: {env['name']} comes from a secret as a variable"
            if any("secretRef" in source for source in container.get("envFrom") or []):
                yield f"{where}: a whole secret as variables"


@rule("what an object refers to is rendered with it")
def refers_to_what_is_there(view: View) -> Iterator[str]:
    accounts, targets = view.names("ServiceAccount"), {name_of(document) for document in view.of(*WORKLOADS)}
    claims, own = view.names("PersistentVolumeClaim"), view.names("ConfigMap")
    for pod in view.pods:
        account = pod.spec.get("serviceAccountName", "default")
        if account != "default" and account not in accounts:
            yield f"{pod.name}: no ServiceAccount {account}"
        for volume in pod.spec.get("volumes") or []:
            sources = [volume, *at(volume, "projected", "sources", default=[])]
            for name in filter(None, (at(one, "configMap", "name") for one in sources)):
                if name not in own | view.outside:
                    yield f"{pod.name}: no ConfigMap {name}"
            claim = at(volume, "persistentVolumeClaim", "claimName")
            if claim and claim not in claims | view.outside:
                yield f"{pod.name}: no PersistentVolumeClaim {claim}"
    for document in view.of("ScaledObject", "HorizontalPodAutoscaler"):
        target = document["spec"]["scaleTargetRef"]
        if f"{target.get('kind', 'Deployment')}/{target['name']}" not in targets:
            yield f"{name_of(document)}: scales {target['name']}, which is not there"


@rule("what is scaled has no number of replicas of its own, and one scaler")
def one_decides_the_replicas(view: View) -> Iterator[str]:
    scalers = [
        document["spec"]["scaleTargetRef"]["name"] for document in view.of("ScaledObject", "HorizontalPodAutoscaler")
    ]
    for document in view.of(*WORKLOADS):
        name = at(document, "metadata", "name")
        if name in scalers and at(document, "spec", "replicas") is not None:
            yield f"{name_of(document)}: replicas is given although it is scaled"
        if scalers.count(name) > 1:
            yield f"{name_of(document)}: scaled by {scalers.count(name)}"


@rule("KEDA asks the management API for both queues of the worker, and shrinks slowly")
def keda_counts_queues(view: View) -> Iterator[str]:
    logins = view.names("TriggerAuthentication")
    for document in view.of("ScaledObject"):
        where, spec = name_of(document), document["spec"]
        component = at(document, "metadata", "labels", "app.kubernetes.io/component")
        asked = {at(trigger, "metadata", "queueName") for trigger in spec["triggers"]}
        if asked != QUEUES.get(component):
            yield f"{where}: asks for {sorted(map(str, asked))}"
        for trigger in spec["triggers"]:
            metadata = trigger["metadata"]
            if (
                trigger["type"] != "rabbitmq"
                or metadata.get("protocol") != "http"
                or metadata.get("mode") != "QueueLength"
            ):
                yield f"{where}: not a RabbitMQ queue's length by HTTP"
            if "queueLength" in metadata or not {"value", "activationValue"} <= metadata.keys():
                yield f"{where}: value and activationValue are wanted, queueLength is deprecated"
            if not re.match(r"^https?://[^@/]+/", metadata.get("host", "")):
                yield f"{where}: host {metadata.get('host')!r} is no address that ends with a virtual host and holds no user"
            if at(trigger, "authenticationRef", "name") not in logins:
                yield f"{where}: no TriggerAuthentication {at(trigger, 'authenticationRef', 'name')}"
        if at(spec, "fallback", "replicas") is None:
            yield f"{where}: no replicas to fall back to"
        if not at(spec, "advanced", "horizontalPodAutoscalerConfig", "behavior", "scaleDown"):
            yield f"{where}: no behavior.scaleDown, and cooldownPeriod governs the last replica alone"
        if spec.get("minReplicaCount", 0) > spec.get("maxReplicaCount", 100):
            yield f"{where}: more replicas at least than at most"


@rule("an alert that tells what is allowed asks for the same")
def alerts_tell_their_limits(view: View) -> Iterator[str]:
    for document in view.of("PrometheusRule"):
        for alert in (one for group in document["spec"]["groups"] for one in group["rules"]):
            told = at(alert, "annotations", "description", default="")
            asked = {float(number) for number in NUMBER.findall(alert["expr"])}
            allowed = ALLOWED.search(told)
            if "allowed" in told and not allowed:
                yield f"{alert['alert']}: {told!r} allows no number"
            if allowed and float(allowed[1]) / (100 if allowed[2] == "%" else 1) not in asked:
                yield f"{alert['alert']}: allows {allowed[1]} and asks for {sorted(asked)}"


@rule("every object says which chart and part it is of, and lies in the release's namespace")
def is_labelled(view: View) -> Iterator[str]:
    for document in view.objects:
        labels = at(document, "metadata", "labels", default={})
        if at(document, "metadata", "name") not in view.outside and STABLE - labels.keys():
            yield f"{name_of(document)}: without {', '.join(sorted(STABLE - labels.keys()))}"
        if document["kind"] != "PriorityClass" and at(document, "metadata", "namespace") not in (None, "fleet"):
            yield f"{name_of(document)}: in namespace {at(document, 'metadata', 'namespace')}"


@rule("a hook's objects leave the workloads alone")
def hooks_stand_apart(view: View) -> Iterator[str]:
    for pod in view.pods:
        if at(pod.owner, "metadata", "annotations", "helm.sh/hook") and pod.component in PROGRAMS:
            yield f"{pod.name}: carries the component {pod.component}"
