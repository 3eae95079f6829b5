"""The chart's configuration against the programs: what they read of it, and whether it has all that they know."""

import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

from rules import Pod, View, at, settings

SECRETS = {
    "llm.api_key",
    "rabbitmq.password",
    "redis.password",
    "s3.access_key",
    "s3.secret_key",
    "telemetry.otlp_headers",
    "web.action_token",
    "web.view_token",
}
"""Listed by the programs as set or not set; no keys of a file."""

UNSET = {
    "fleet.health_address": "0.0.0.0:8080",  # the port that probes, network policies and monitors name
    "run.output": "output",  # where `langflix run` writes, which no pod runs
}
"""Keys that the chart leaves at the default that the programs must have."""

RELATED: dict[str, dict[str, object]] = {
    "video.preset": {},
    "llm.max_input_length": {"llm.chunk_size": 200},
    "llm.chunk_size": {"llm.max_input_length": 24000},
    "processing.min_expressions_per_chunk": {"processing.max_expressions_per_chunk": 10},
    "processing.max_expressions_per_chunk": {"processing.min_expressions_per_chunk": 0},
}
"""Keys whose values depend on others, and what those must be for all of them to be taken."""

WORD = "nothing-of-the-kind"
WRONG_CONFIGURATION = 64


class Programs:
    """The command line of the same build as the programs, which read their settings in the same way."""

    def __init__(self, langflix: Path) -> None:
        self.langflix = langflix

    def run(self, *arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess:
        clean = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        command = [str(self.langflix), *arguments]
        with tempfile.TemporaryDirectory() as empty:
            return subprocess.run(
                command,
                env=clean | (environment or {}),
                cwd=empty,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )

    def defaults(self) -> dict[str, str]:
        """Each key of the configuration with its default."""
        shown = self.run("config", "show", "--json")
        if shown.returncode:
            raise SystemExit(f"langflix config show: {shown.stderr}")
        return {entry["key"]: entry["value"] for entry in json.loads(shown.stdout) if entry["key"] not in SECRETS}

    def queues(self) -> set[str]:
        """The names of the queues that the programs know."""
        needed = {"LANGFLIX__S3__BUCKET": "bucket", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
        address = {"LANGFLIX__RABBITMQ__URL": "amqp://127.0.0.1:1"}
        shown = self.run("topology", "show", "--json", environment=needed | address)
        return {queue["name"] for queue in json.loads(shown.stdout)["queues"]}

    def bounds(self, schema: dict) -> list[str]:
        """Where the schema of `config` and the programs do not draw the line at the same place."""
        sides: dict[bool, dict[str, list[object]]] = {True: {}, False: {}}
        for section, part in at(schema, "properties", "config", "properties", default={}).items():
            for key, allowed in at(part, "properties", default={}).items():
                for value, good in edges(allowed):
                    sides[good].setdefault(f"{section}.{key}", []).append(value)
        found = []
        for good, keys in sides.items():
            # All keys at once, the next value of each: the programs tell all faults together.
            while keys := {key: given for key, given in keys.items() if given}:
                chosen = {key: given.pop() for key, given in keys.items()}
                refused = self.refused(chosen)
                wrong = refused & chosen.keys() if good else chosen.keys() - refused
                found += [
                    f"{key}: {chosen[key]} is {'refused' if good else 'taken'} by the programs alone" for key in wrong
                ]
        return sorted(found)

    def refused(self, chosen: dict[str, object]) -> set[str]:
        """Which of these settings the programs find fault with, each for itself."""
        apart = {key: value for key, value in chosen.items() if key in RELATED}
        runs = [{key: value for key, value in chosen.items() if key not in RELATED}]
        runs += [{key: value} | RELATED[key] for key, value in apart.items()]
        told = ""
        for run in runs:
            told += self.run("config", "show", *(f"--set={key}={value}" for key, value in run.items())).stderr
        return set(re.findall(r"^(?:error: )?([a-z0-9]+\.[a-z0-9_]+):", told, re.MULTILINE))

    def reads(self, pod: Pod, view: View) -> list[str]:
        """What the programs find wrong in the settings of this pod, with files in place of its secrets."""
        text, environment = settings(pod, view)
        with tempfile.TemporaryDirectory() as folder:
            mounted = files(pod, Path(folder))
            environment = {name: mounted.get(value, value) for name, value in environment.items()}
            for env in at(pod.spec["containers"][0], "env", default=[]):
                if at(env, "valueFrom", "secretKeyRef"):
                    environment[env["name"]] = "word"
            path = Path(folder, "langflix.yaml")
            # Nobody listens there, so that the command ends once it has read everything.
            path.write_text(re.sub(r"(\w+://)[^\s/\"']+", r"\g<1>127.0.0.1:1", text))
            shown = self.run("config", "show", "--config", str(path), environment=environment)
            if shown.returncode:
                return shown.stderr.strip().splitlines()
            loaded = self.run("topology", "show", "--json", "--config", str(path), environment=environment)
            return loaded.stderr.strip().splitlines() if loaded.returncode == WRONG_CONFIGURATION else []


def edges(allowed: dict) -> list[tuple[object, bool]]:
    """Values on either side of what a schema allows: those that must be taken, and those that must not."""
    if "anyOf" in allowed:
        return [edge for part in allowed["anyOf"] for edge in edges(part) if edge[1]]
    made = [(value, True) for value in allowed.get("enum", []) if value is not None]
    made += [(WORD, False)] if made else []
    for bound, step in (("minimum", -1), ("maximum", 1)):
        if bound in allowed:
            made += [(allowed[bound], True), (allowed[bound] + step, False)]
    return made


def files(pod: Pod, folder: Path) -> dict[str, str]:
    """Makes a file for each key of a secret or other ConfigMap that the pod mounts, and tells where, by the path in the pod."""
    made = {}
    mounts = {mount["name"]: mount["mountPath"] for mount in at(pod.spec["containers"][0], "volumeMounts", default=[])}
    for volume in pod.spec.get("volumes") or []:
        sources = at(
            volume, "projected", "sources", default=[{"secret": volume["secret"]}] if "secret" in volume else []
        )
        for source in sources:
            for item in at(source, "secret", "items", default=at(source, "configMap", "items", default=[])):
                path = folder / f"{len(made)}"
                word = f"a-word-that-is-long-enough-and-no-other-{len(made)}"
                path.write_text(CERTIFICATE if "ca" in item["path"].split(".") else word)
                path.chmod(0o600)
                made[f"{mounts.get(volume['name'])}/{item['path']}"] = str(path)
    return made


def faults(defaults: dict[str, str], schema: dict, views: list[View]) -> list[str]:
    """Keys that the chart cannot set, and keys or variables of the chart that the programs do not know."""
    sections = at(schema, "properties", "config", "properties", default={})
    settable = {f"{section}.{key}" for section, part in sections.items() for key in at(part, "properties", default={})}
    keys, fixed, found = set(defaults), set(), []
    for view in views:
        for pod in view.pods:
            for container in pod.containers:
                for env in container.get("env") or []:
                    if env["name"].startswith("LANGFLIX__"):
                        fixed.add(env["name"].removeprefix("LANGFLIX__").replace("__", ".").lower())
    unset = keys - settable - fixed
    found += [
        f"the programs know {key}, and neither config nor the chart sets it" for key in sorted(unset - UNSET.keys())
    ]
    found += [
        f"{key} is {defaults[key]!r} by default, not {UNSET[key]!r}"
        for key in sorted(unset & UNSET.keys())
        if defaults[key] != UNSET[key]
    ]
    found += [f"values.schema.json has config.{key}, which the programs do not know" for key in sorted(settable - keys)]
    found += [f"the chart sets {key} as a variable, which the programs do not know" for key in sorted(fixed - keys)]
    return found


CERTIFICATE = """-----BEGIN CERTIFICATE-----
MIIBdzCCAR2gAwIBAgIUYZ9TZ1Q8X6k4QNZLUu2TETVH3rQwCgYIKoZIzj0EAwIw
EDEOMAwGA1UEAwwFY2hhcnQwIBcNMjYxMTI2MDQzMjQwWhgPMjEyNjExMDIwNDMy
NDBaMBAxDjAMBgNVBAMMBWNoYXJ0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
k2v4bYXinlyhJR0TiC4KT++i00EbLVKCstVRkM3oPT7tfygYTLWtehJ52xitNVjL
A4do6E6CJDM8wSli9eSmtqNTMFEwHQYDVR0OBBYEFK3Rixn2Z9vkJSZzc3xZF23J
s+1IMB8GA1UdIwQYMBaAFK3Rixn2Z9vkJSZzc3xZF23Js+1IMA8GA1UdEwEB/wQF
MAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgaQLzb6zGX6R0GS3wHVOdfkzWzkvSmEK5
e7TiW0Z1RT0CIQCyq/NoBrfX6kOZpBIkoqbBledXmTyELp70lsCmjgh4zw==
-----END CERTIFICATE-----
"""
