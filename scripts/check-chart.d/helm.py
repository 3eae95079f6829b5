"""Renders charts with the real Helm, which wants a cluster even for that: it gets one that keeps nothing and runs nothing.

Helm writes what it rendered, notes and hooks included, into a Secret before it creates anything. The API here takes that record
and refuses all that follows, so that nothing has to be waited for.
"""

import asyncio
import base64
import gzip
import json
import os
import re
import tempfile
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import helm_sdkpy
import yaml

NAMESPACE = "fleet"
KINDS = {
    "v1": "ConfigMap LimitRange Namespace! PersistentVolumeClaim Pod ResourceQuota Secret Service ServiceAccount",
    "apps/v1": "DaemonSet Deployment StatefulSet",
    "autoscaling/v2": "HorizontalPodAutoscaler",
    "batch/v1": "CronJob Job",
    "networking.k8s.io/v1": "Ingress NetworkPolicy",
    "policy/v1": "PodDisruptionBudget",
    "rbac.authorization.k8s.io/v1": "ClusterRole! ClusterRoleBinding! Role RoleBinding",
    "scheduling.k8s.io/v1": "PriorityClass!",
    "keda.sh/v1alpha1": "ScaledJob ScaledObject TriggerAuthentication",
    "monitoring.coreos.com/v1": "PodMonitor PrometheusRule ServiceMonitor",
    "rabbitmq.com/v1beta1": "RabbitmqCluster",
}
"""What the cluster knows, by its version of the API; `!` where it lies in no namespace."""


class Refused(Exception):
    """Helm did not render the chart, and says why."""


class Loader(yaml.CSafeLoader):
    """Refuses a key that a mapping has twice, of which YAML libraries keep either."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key, _ in node.value:
            if key.tag != "tag:yaml.org,2002:merge" and key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} twice in a mapping", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def documents(text: str) -> list[dict]:
    return [document for document in yaml.load_all(text, Loader) if document]


@dataclass(frozen=True)
class Render:
    """What Helm made of a chart. `hooks` are in no manifest; tests are among them."""

    manifest: str
    hooks: tuple[str, ...]
    notes: str

    @property
    def objects(self) -> list[dict]:
        return [document for text in (self.manifest, *self.hooks) for document in documents(text)]

    def text(self, chart: Path) -> str:
        """All of it, to be read; of the chart's files only where each of them stands."""
        manifest = self.manifest.strip()
        for path in sorted((chart / "files").rglob("*.*")):
            for width in (2, 4):
                content = textwrap.indent(path.read_text().strip(), " " * width, lambda _: True)
                manifest = manifest.replace(content, f"{' ' * width}({path.relative_to(chart)})")
        hooks = "".join(f"---\n# Hook\n{hook.strip()}\n" for hook in self.hooks)
        notes = "".join(f"# {line}".rstrip() + "\n" for line in self.notes.strip().splitlines())
        return f"{manifest}\n{hooks}---\n# Notes\n{notes}"


def plural(kind: str) -> str:
    name = kind.lower()
    return name[:-1] + "ies" if name.endswith("y") else name + "es" if name.endswith("ss") else name + "s"


def discovery(path: str) -> dict | None:
    """What the API answers to those who ask what it knows."""
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        groups = [
            {"name": name.split("/")[0], "versions": [{"groupVersion": name, "version": name.split("/")[1]}]}
            for name in KINDS
            if "/" in name
        ]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
    group = re.fullmatch(r"/apis?/(.+)", path)
    if not group or group[1] not in KINDS:
        return None
    resources = [
        {
            "name": plural(kind),
            "kind": kind,
            "namespaced": "!" not in entry,
            "singularName": "",
            "verbs": ["create", "get"],
        }
        for entry in KINDS[group[1]].split()
        for kind in [entry.rstrip("!")]
    ]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group[1], "resources": resources}


class Api(BaseHTTPRequestHandler):
    """The cluster. `server.record` is the last record that Helm wrote."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer in two packets costs 40 ms each

    def log_message(self, *_) -> None:
        pass

    def answer(self, code: int, body: dict) -> None:
        data = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def refuse(self, code: int, reason: str) -> None:
        self.answer(code, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code})

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        found = discovery(path)
        if path == "/version":
            major, minor = self.server.version.split(".")
            self.answer(200, {"major": major, "minor": minor, "gitVersion": f"v{major}.{minor}.0"})
        elif found:
            self.answer(200, found)
        elif path == f"/api/v1/namespaces/{NAMESPACE}/secrets":
            self.answer(200, {"kind": "SecretList", "apiVersion": "v1", "items": []})
        else:
            self.refuse(404, "NotFound")

    def write(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        # The record's Secret comes as protobuf, in which the gzipped record stands as base64.
        found = re.search(rb"H4sI[A-Za-z0-9+/=]+", body) if "/secrets" in self.path else None
        if not found:
            return self.refuse(403, "Forbidden")
        if self.command == "POST":
            self.server.record = json.loads(gzip.decompress(base64.b64decode(found[0])))
        self.answer(200, {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "record"}})

    do_POST = do_PUT = do_PATCH = do_DELETE = write


@contextmanager
def silence() -> Iterator[None]:
    """Keeps from the terminal what Helm logs besides its error."""
    before, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)
        os.close(nowhere)


class Helm:
    """The real Helm, and a cluster of that version of Kubernetes."""

    def __init__(self, version: str) -> None:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
        self.server.version, self.server.record = version, None
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        cluster = {"server": f"http://127.0.0.1:{self.server.server_port}"}
        kubeconfig = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "here"}}],
            "clusters": [{"name": "here", "cluster": cluster}],
            "users": [{"name": "here", "user": {}}],
        }
        os.environ["HELM_DRIVER"] = "secret"
        with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
            json.dump(kubeconfig, file)
        self.kubeconfig = Path(file.name)

    def __enter__(self) -> "Helm":
        return self

    def __exit__(self, *_) -> None:
        self.server.shutdown()
        self.kubeconfig.unlink()

    def configuration(self) -> helm_sdkpy.Configuration:
        """A new one for each use: its client slows down after some hundred requests, as one of a real cluster should."""
        return helm_sdkpy.Configuration(namespace=NAMESPACE, kubeconfig=str(self.kubeconfig))

    def render(self, chart: Path, values: dict | None = None, release: str = "langflix") -> Render:
        """# Errors: `Refused`, also for values that the chart's schema refuses."""
        self.server.record = None
        install = helm_sdkpy.Install(self.configuration())
        try:
            with silence():
                asyncio.run(install.run(release, str(chart), values=values or {}, wait=False))
        except helm_sdkpy.HelmError as error:
            if self.server.record is None:
                raise Refused(str(error)) from None
        record = self.server.record
        hooks = (f"# Source: {hook['path']}\n{hook['manifest']}" for hook in record.get("hooks") or [])
        return Render(record["manifest"], tuple(hooks), record["info"].get("notes", ""))

    def lint(self, chart: Path) -> list[str]:
        """Where `helm lint` finds what is worse than a remark; it does not say what."""
        with silence():
            result = asyncio.run(helm_sdkpy.Lint(self.configuration()).run(str(chart)))
        return [f"helm lint: {message['Path']}" for message in result["Messages"] or [] if message["Severity"] > 1]
