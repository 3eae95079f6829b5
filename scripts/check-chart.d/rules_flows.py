"""Rules about networks: what a pod must reach is let out where it begins and let in where it ends."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import yaml

from rules import Pod, View, at, name_of, rule, selects, settings

PORTS = {"amqp": 5672, "amqps": 5671, "redis": 6379, "rediss": 6379, "http": 80, "https": 443}
DNS = 53


def needs(pod: Pod, view: View) -> dict[str, int]:
    """The ports of the servers in the configuration of a pod, by what they are for."""
    text, _ = settings(pod, view)
    told = yaml.safe_load(text) or {}
    addresses = {
        "rabbitmq.url": at(told, "rabbitmq", "url", default="amqp://localhost"),
        "redis.url": at(told, "redis", "url", default="redis://localhost"),
        "s3.endpoint": at(told, "s3", "endpoint") or "https://s3.amazonaws.com",
    }
    if pod.component == "analysis-worker" and at(told, "llm", "provider", default="auto") != "offline":
        addresses["llm.base_url"] = at(told, "llm", "base_url") or "https://provider.example"
    parsed = {name: urlsplit(address) for name, address in addresses.items()}
    return {name: url.port or PORTS[url.scheme] for name, url in parsed.items()} | {"names": DNS}


def _rules(view: View, pod: Pod, direction: str) -> list[dict]:
    policies = [
        policy["spec"] for policy in view.of("NetworkPolicy") if selects(policy["spec"].get("podSelector"), pod.labels)
    ]
    return [flow for policy in policies for flow in policy.get(direction) or []]


def _opens(flow: dict, port: int) -> bool:
    return any(one.get("port") == port for one in flow.get("ports") or [])


@rule("with NetworkPolicies, a pod may reach the servers in its configuration, and be asked at its ports")
def servers_can_be_reached(view: View) -> Iterator[str]:
    for pod in view.pods if view.of("NetworkPolicy") else []:
        if not pod.runs_langflix:
            continue
        for name, port in needs(pod, view).items():
            if not any(_opens(flow, port) for flow in _rules(view, pod, "egress")):
                yield f"{pod.name}: no NetworkPolicy lets it out to port {port}, which {name} needs"
        for port in pod.containers[-1].get("ports") or []:
            if not any(_opens(flow, port["containerPort"]) for flow in _rules(view, pod, "ingress")):
                yield f"{pod.name}: no NetworkPolicy lets anyone in to port {port['containerPort']}"


@rule("with NetworkPolicies, a server that comes along lets every program in")
def servers_let_in(view: View) -> Iterator[str]:
    for service in view.of("Service") if view.of("NetworkPolicy") else []:
        behind = [pod for pod in view.pods if selects({"matchLabels": service["spec"].get("selector")}, pod.labels)]
        for server in behind:
            for port in service["spec"].get("ports") or []:
                number = _number(server, port)
                for pod in (pod for pod in view.pods if pod.runs_langflix):
                    peers = [
                        peer
                        for flow in _rules(view, server, "ingress")
                        if _opens(flow, number)
                        for peer in flow.get("from") or [{"podSelector": {}}]
                    ]
                    if not any(selects(peer.get("podSelector"), pod.labels) for peer in peers):
                        yield f"{name_of(service)}: {server.name} does not let {pod.name} in to port {number}"


def _number(server: Pod, port: dict) -> int:
    """The port of the container behind a Service's port."""
    target = port.get("targetPort", port["port"])
    named = {
        one.get("name"): one["containerPort"] for container in server.containers for one in container.get("ports") or []
    }
    return named.get(target, target)
