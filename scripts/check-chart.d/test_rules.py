"""Every rule holds for a small fleet that is right, and breaks when one thing in it is wrong."""

import unittest
from copy import deepcopy

import rules
import rules_flows
import rules_objects
import rules_pods
from rules import View

LABELS = {
    "app.kubernetes.io/name": "a",
    "app.kubernetes.io/instance": "b",
    "app.kubernetes.io/component": "analysis-worker",
}
JOB_LABELS = LABELS | {"app.kubernetes.io/component": "test"}


def container() -> dict:
    return {
        "name": "main",
        "image": "fleet/worker:1",
        "command": ["langflix-analysis-worker"],
        "env": [{"name": "LANGFLIX__FLEET__DRAIN_SECONDS", "value": "960"}],
        "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1Gi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "startupProbe": {"httpGet": {"path": "/livez", "port": "health"}, "periodSeconds": 5, "failureThreshold": 60},
        "livenessProbe": {"httpGet": {"path": "/livez", "port": "health"}},
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "health"}},
        "volumeMounts": [
            {"name": "scratch", "mountPath": "/scratch"},
            {"name": "config", "mountPath": "/etc/langflix"},
        ],
    }


def pod() -> dict:
    return {
        "serviceAccountName": "worker",
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 990,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container()],
        "volumes": [
            {"name": "scratch", "emptyDir": {"sizeLimit": "1Gi"}},
            {"name": "config", "configMap": {"name": "config"}},
        ],
    }


def named(kind: str, name: str, spec: dict, labels: dict = LABELS, **more) -> dict:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "labels": dict(labels), **more}, "spec": spec}


def trigger(lane: str) -> dict:
    metadata = {
        "protocol": "http",
        "host": "http://rabbitmq:15672/",
        "queueName": f"analysis.{lane}.v1",
        "mode": "QueueLength",
        "value": "1",
        "activationValue": "0",
    }
    return {"type": "rabbitmq", "metadata": metadata, "authenticationRef": {"name": "login"}}


def alert() -> dict:
    expr = "sum(rate(a[5m])) / 1e6 > 0.05 and b > 2.5 * 3600"
    return {"alert": "AboveIt", "expr": expr, "annotations": {"description": "{{ $value }} (allowed: 5 %)."}}


def fleet() -> list[dict]:
    """Deployment, budget, network policy, scaler, login, account, configuration, test, alerts."""
    every = {"matchLabels": {"app.kubernetes.io/instance": "b"}}
    scale = {
        "scaleTargetRef": {"kind": "Deployment", "name": "worker"},
        "fallback": {"failureThreshold": 3, "replicas": 1},
        "advanced": {"horizontalPodAutoscalerConfig": {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 300}}}},
        "triggers": [trigger("interactive"), trigger("bulk")],
    }
    test = pod() | {"serviceAccountName": "default"}
    return [
        named(
            "Deployment",
            "worker",
            {
                "selector": {"matchLabels": dict(LABELS)},
                "template": {"metadata": {"labels": dict(LABELS)}, "spec": pod()},
            },
        ),
        named("PodDisruptionBudget", "worker", {"maxUnavailable": 1, "selector": {"matchLabels": dict(LABELS)}}),
        named(
            "NetworkPolicy",
            "all",
            {
                "podSelector": every,
                "policyTypes": ["Ingress", "Egress"],
                "egress": [{"ports": [{"port": port} for port in (53, 443, 5672, 6379)]}],
            },
        ),
        named("ScaledObject", "worker", scale),
        named("TriggerAuthentication", "login", {}),
        named("ServiceAccount", "worker", {}),
        {
            **named("ConfigMap", "config", {}),
            "data": {"langflix.yaml": "fleet: {drain_seconds: 960}\nllm: {provider: gemini}\n"},
        },
        named("Pod", "test", test, JOB_LABELS, annotations={"helm.sh/hook": "test"}),
        named("PrometheusRule", "alerts", {"groups": [{"name": "a", "rules": [alert()]}]}),
    ]


DEPLOYMENT, BUDGET, POLICY, SCALER, LOGIN, ACCOUNT, CONFIG, TEST, ALERTS = range(9)
POD = (DEPLOYMENT, "spec", "template", "spec")
MAIN = (*POD, "containers", 0)
TOLD = (ALERTS, "spec", "groups", 0, "rules", 0, "annotations", "description")
GONE = object()


def changed(*path, to=GONE) -> list[dict]:
    """The fleet with one value replaced, or without it."""
    objects = fleet()
    place = objects
    for part in path[:-1]:
        place = place[part]
    if to is GONE:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return objects


def probe(path: str) -> dict:
    return {"httpGet": {"path": path, "port": "health"}}


SERVICE = named("Service", "redis", {"selector": LABELS, "ports": [{"port": 6379}]})
LETS_IN = [{"from": [{"podSelector": {"matchLabels": {"app.kubernetes.io/instance": "b"}}}], "ports": [{"port": 6379}]}]


def let_out(*ports: int) -> list[dict]:
    return [{"ports": [{"port": port}]} for port in ports]


def served(flows: list[dict]) -> list[dict]:
    """The fleet with a server in it, and what its network policy lets in."""
    return [*changed(POLICY, "spec", "ingress", to=flows), deepcopy(SERVICE)]


BREAKS = [
    (rules_pods.ends_in_time, changed(*POD, "terminationGracePeriodSeconds", to=900), "is 900"),
    (rules_pods.ends_in_time, changed(*POD, "terminationGracePeriodSeconds"), "is 30"),
    (rules_pods.ends_in_time, changed(*MAIN, "env", 0, "value", to="990"), "drain_seconds is 990"),
    (rules_pods.ends_in_time, changed(*MAIN, "env", 0, "value", to="60"), "drain_seconds is 60"),
    (rules_pods.has_limits, changed(*MAIN, "resources", "limits", "memory"), "no resources.limits.memory"),
    (rules_pods.has_limits, changed(*MAIN, "resources", "requests", "cpu"), "no resources.requests.cpu"),
    (rules_pods.has_limits, changed(*MAIN, "resources", "limits", "memory", to="1 GB"), "no resources.limits.memory"),
    (rules_pods.has_limits, changed(*MAIN, "resources", "limits", "memory", to="1G"), "more memory than its limit"),
    (rules_pods.has_limits, changed(*POD, "initContainers", to=[{"name": "first"}]), "container first"),
    (rules_pods.has_limits, changed(TEST, "spec", "containers", 0, "resources"), "Pod/test"),
    (rules_pods.volumes_are_sized, changed(*POD, "volumes", 0, "emptyDir", to={}), "without sizeLimit"),
    (rules_pods.restricted_pods, changed(*POD, "hostNetwork", to=True), "hostNetwork"),
    (
        rules_pods.restricted_pods,
        changed(*POD, "volumes", 0, to={"name": "scratch", "hostPath": {}}),
        "hostPath is not allowed",
    ),
    (rules_pods.restricted_pods, changed(*POD, "securityContext", "sysctls", to=[1]), "sysctls"),
    (rules_pods.restricted_pods, changed(*POD, "securityContext", "runAsUser", to=0), "runAsUser is 0"),
    (rules_pods.restricted_containers, changed(*POD, "securityContext", "runAsNonRoot"), "runAsNonRoot"),
    (rules_pods.restricted_containers, changed(*MAIN, "securityContext", "runAsUser", to=0), "runAsNonRoot"),
    (rules_pods.restricted_containers, changed(*POD, "securityContext", "seccompProfile"), "seccompProfile"),
    (
        rules_pods.restricted_containers,
        changed(*MAIN, "securityContext", "allowPrivilegeEscalation"),
        "allowPrivilegeEscalation",
    ),
    (rules_pods.restricted_containers, changed(*MAIN, "securityContext", "privileged", to=True), "privileged"),
    (
        rules_pods.restricted_containers,
        changed(*MAIN, "securityContext", "capabilities", "drop", to=["NET_RAW"]),
        "capabilities",
    ),
    (
        rules_pods.restricted_containers,
        changed(*MAIN, "securityContext", "capabilities", "add", to=["SYS_ADMIN"]),
        "capabilities",
    ),
    (rules_pods.restricted_containers, changed(*MAIN, "ports", to=[{"hostPort": 1}]), "hostPort"),
    (rules_pods.writes_nowhere, changed(*POD, "automountServiceAccountToken"), "automountServiceAccountToken"),
    (rules_pods.writes_nowhere, changed(*MAIN, "securityContext", "readOnlyRootFilesystem"), "readOnlyRootFilesystem"),
    (rules_pods.is_probed, changed(*MAIN, "livenessProbe", to=probe("/readyz")), "livenessProbe"),
    (rules_pods.is_probed, changed(*MAIN, "readinessProbe", to={"exec": {"command": ["true"]}}), "readinessProbe"),
    (rules_pods.is_probed, changed(*MAIN, "startupProbe", "failureThreshold", to=3), "gives up"),
    (rules_pods.has_its_gpu, changed(*MAIN, "resources", "limits", "nvidia.com/gpu", to=1), "GPUs"),
    (
        rules_pods.has_its_gpu,
        changed(*POD[:-1], "metadata", "labels", "app.kubernetes.io/component", to="encoding-worker-gpu"),
        "none",
    ),
    (rules_pods.images_are_pinned, changed(*MAIN, "image", to="host:5000/fleet/worker"), "image"),
    (rules_pods.images_are_pinned, changed(*MAIN, "image", to="fleet/worker:latest"), "image"),
    (rules_pods.names_are_whole, changed(*MAIN, "env", to=[{"name": "A", "value": "1"}] * 2), "A twice"),
    (rules_pods.names_are_whole, changed(*MAIN, "volumeMounts", 0, "name", to="other"), "no volume other"),
    (rules_pods.names_are_whole, changed(*MAIN, "volumeMounts", 0, "mountPath", to="/etc/langflix"), "mounted twice"),
    (rules_pods.names_are_whole, changed(*POD, "volumes", 0, "name", to="config"), "volume config twice"),
    (rules_objects.names_fit, changed(ACCOUNT, "metadata", "name", to="Worker"), "no label"),
    (rules_objects.names_fit, changed(ACCOUNT, "metadata", "name", to="w" * 64), "no label"),
    (rules_objects.names_fit, [*fleet(), fleet()[ACCOUNT]], "rendered twice"),
    (
        rules_objects.selectors_are_stable,
        changed(DEPLOYMENT, "spec", "selector", "matchLabels", "helm.sh/chart", to="a-1"),
        "helm.sh/chart",
    ),
    (rules_objects.labels_have_their_form, changed(ACCOUNT, "metadata", "labels", "a", to="two words"), "a=two words"),
    (
        rules_objects.labels_have_their_form,
        changed(*POD[:-1], "metadata", "labels", "a", to="x" * 64),
        "Deployment/worker",
    ),
    (
        rules_flows.servers_can_be_reached,
        changed(POLICY, "spec", "egress", to=let_out(53, 443, 6379)),
        "5672, which rabbitmq.url",
    ),
    (
        rules_flows.servers_can_be_reached,
        changed(POLICY, "spec", "egress", to=let_out(443, 5672, 6379)),
        "53, which names",
    ),
    (
        rules_flows.servers_can_be_reached,
        changed(CONFIG, "data", "langflix.yaml", to="s3: {endpoint: 'http://s3:9000'}"),
        "9000",
    ),
    (
        rules_flows.servers_can_be_reached,
        changed(*MAIN, "ports", to=[{"name": "health", "containerPort": 8080}]),
        "anyone in",
    ),
    (rules_flows.servers_let_in, served([]), "does not let Deployment/worker in to port 6379"),
    (rules_flows.servers_let_in, served([{**LETS_IN[0], "ports": [{"port": 1}]}]), "Pod/test"),
    (
        rules_flows.servers_let_in,
        served([{**LETS_IN[0], "from": [{"podSelector": {"matchLabels": LABELS}}]}]),
        "Pod/test",
    ),
    (rules_objects.selectors_are_stable, changed(DEPLOYMENT, "spec", "selector", to={}), "or nothing"),
    (rules_objects.selects_its_own, changed(TEST, "metadata", "labels", to=LABELS), "selects the pods of Pod/test"),
    (
        rules_objects.selects_its_own,
        changed(BUDGET, "spec", "selector", to={}),
        "PodDisruptionBudget/worker: selects the pods of Pod/test",
    ),
    (
        rules_objects.selects_its_own,
        [*fleet(), named("Service", "s", {"selector": {"a": "b"}})],
        "Service/s: selects no pod",
    ),
    (rules_objects.is_not_disrupted, changed(BUDGET, "spec", "maxUnavailable", to=0), "no pod may ever go"),
    (rules_objects.is_not_disrupted, changed(BUDGET), "0 PodDisruptionBudgets"),
    (
        rules_objects.flows_are_named,
        changed(POLICY, "spec", "policyTypes", to=["Ingress"]),
        "no NetworkPolicy for Egress",
    ),
    (rules_objects.flows_are_named, changed(POLICY, "spec", "podSelector", to={"matchLabels": LABELS}), "Pod/test"),
    (rules_objects.flows_are_named, changed(POLICY, "spec", "egress", to=[{}]), "lets everything through"),
    (
        rules_objects.keeps_no_secret,
        [*fleet(), {**named("Secret", "s", {}), "stringData": {"word": "x"}}],
        "holds word",
    ),
    (
        rules_objects.secrets_are_files,
        changed(*MAIN, "env", 0, to={"name": "REDIS_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "s"}}}),
        "REDIS_PASSWORD",
    ),
    (rules_objects.secrets_are_files, changed(*MAIN, "envFrom", to=[{"secretRef": {"name": "s"}}]), "whole secret"),
    (rules_objects.refers_to_what_is_there, changed(ACCOUNT), "no ServiceAccount"),
    (rules_objects.refers_to_what_is_there, changed(CONFIG), "no ConfigMap"),
    (
        rules_objects.refers_to_what_is_there,
        changed(SCALER, "spec", "scaleTargetRef", "name", to="other"),
        "scales other",
    ),
    (
        rules_objects.refers_to_what_is_there,
        changed(*POD, "volumes", 0, to={"name": "scratch", "persistentVolumeClaim": {"claimName": "c"}}),
        "no PersistentVolumeClaim",
    ),
    (rules_objects.one_decides_the_replicas, changed(DEPLOYMENT, "spec", "replicas", to=2), "although it is scaled"),
    (
        rules_objects.one_decides_the_replicas,
        [*fleet(), named("HorizontalPodAutoscaler", "h", fleet()[SCALER]["spec"])],
        "scaled by 2",
    ),
    (rules_objects.keda_counts_queues, changed(SCALER, "spec", "triggers", 0), "asks for"),
    (
        rules_objects.keda_counts_queues,
        changed(SCALER, "spec", "triggers", 0, "metadata", "protocol", to="amqp"),
        "by HTTP",
    ),
    (
        rules_objects.keda_counts_queues,
        changed(SCALER, "spec", "triggers", 0, "metadata", "activationValue"),
        "activationValue",
    ),
    (
        rules_objects.keda_counts_queues,
        changed(SCALER, "spec", "triggers", 0, "metadata", "host", to="http://rabbitmq:15672"),
        "virtual host",
    ),
    (
        rules_objects.keda_counts_queues,
        changed(SCALER, "spec", "triggers", 0, "metadata", "host", to="http://u:p@r/"),
        "holds no user",
    ),
    (rules_objects.keda_counts_queues, changed(LOGIN), "no TriggerAuthentication"),
    (rules_objects.keda_counts_queues, changed(SCALER, "spec", "fallback"), "fall back"),
    (rules_objects.keda_counts_queues, changed(SCALER, "spec", "advanced"), "scaleDown"),
    (rules_objects.keda_counts_queues, changed(SCALER, "spec", "minReplicaCount", to=200), "more replicas"),
    (rules_objects.alerts_tell_their_limits, changed(*TOLD, to="(allowed: 5)"), "allows 5 and asks"),
    (rules_objects.alerts_tell_their_limits, changed(*TOLD, to="(allowed: 6 %)"), "allows 6 and"),
    (rules_objects.alerts_tell_their_limits, changed(*TOLD, to="(allowed: 2e+06)"), "allows no number"),
    (
        rules_objects.is_labelled,
        changed(ACCOUNT, "metadata", "labels", "app.kubernetes.io/name"),
        "app.kubernetes.io/name",
    ),
    (rules_objects.is_labelled, changed(ACCOUNT, "metadata", "namespace", to="default"), "in namespace default"),
    (rules_objects.hooks_stand_apart, changed(TEST, "metadata", "labels", to=LABELS), "carries the component"),
]


class Rules(unittest.TestCase):
    def test_a_right_fleet_breaks_none(self):
        self.assertEqual([fault for _, check in rules.RULES for fault in check(View(fleet()))], [])

    def test_each_breaks_where_one_thing_is_wrong(self):
        for rule, objects, message in BREAKS:
            with self.subTest(rule=rule.__name__, message=message):
                faults = list(rule(View(deepcopy(objects))))
                self.assertTrue(any(message in fault for fault in faults), faults)

    def test_each_has_a_case_that_breaks_it(self):
        self.assertEqual({check for _, check in rules.RULES}, {rule for rule, _, _ in BREAKS})

    def test_a_server_that_lets_the_fleet_in_breaks_none(self):
        self.assertEqual(list(rules_flows.servers_let_in(View(served(LETS_IN)))), [])

    def test_what_a_machine_has_no_room_for_is_told(self):
        self.assertEqual(list(rules_pods.too_large(View(fleet()), 1, 1)), [])
        for replicas, message in ((2, "asks for 2.0 cores and 2.0 GiB"), (3, "may take 3.0 GiB")):
            faults = rules_pods.too_large(View(changed(DEPLOYMENT, "spec", "replicas", to=replicas)), 1, 1)
            self.assertIn(message, "".join(faults))

    def test_quantities_are_numbers(self):
        given = ["100m", "1.5", "2Gi", 3, "", "1 Gi", "much"]
        self.assertEqual([rules_pods.quantity(one) for one in given], [0.1, 1.5, 2.0 * 2**30, 3.0, None, None, None])

    def test_a_selector_by_expressions_takes_what_they_say(self):
        expression = {"key": "app.kubernetes.io/component", "operator": "In", "values": ["dispatcher"]}
        self.assertFalse(rules.selects({"matchExpressions": [expression]}, LABELS))
        self.assertTrue(rules.selects({"matchExpressions": [expression | {"operator": "NotIn"}]}, LABELS))
        self.assertTrue(rules.selects({"matchExpressions": [{"key": "other", "operator": "DoesNotExist"}]}, LABELS))


if __name__ == "__main__":
    unittest.main()
