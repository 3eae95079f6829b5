"""What the chart is rendered with: its values files, each option alone, all but each, and values that it must refuse."""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

from helm import documents

DIGEST = "sha256:" + "5" * 64
WORKERS = ("analysisWorker", "encodingWorkerGpu", "encodingWorkerCpu")

BASE = {
    "config": {
        "llm": {"provider": "offline"},
        "rabbitmq": {"url": "amqp://rabbitmq:5672/langflix"},
        "redis": {"url": "redis://redis:6379"},
        "s3": {"endpoint": "http://s3:9000", "bucket": "langflix", "path_style": True},
    },
    "rabbitmq": {"existingSecret": "broker"},
    "s3": {"existingSecret": "bucket"},
}


def _scaled(kind: str, least: int) -> dict:
    return {worker: {"enabled": True, "autoscaling": {"kind": kind, "min": least}} for worker in WORKERS[1:]} | {
        "analysisWorker": {"autoscaling": {"kind": kind, "min": least}}
    }


OPTIONS: dict[str, dict] = {
    "gpu": {"encodingWorkerGpu": {"enabled": True}},
    "cpu": {"encodingWorkerCpu": {"enabled": True}},
    "keda": {**_scaled("keda", 0), "rabbitmq": {"managementUrl": "http://rabbitmq:15672"}},
    "keda-of-another-user": {
        **_scaled("keda", 1),
        "rabbitmq": {"managementUrl": "https://rabbitmq:15671/", "managementSecret": "watcher"},
    },
    "hpa": _scaled("hpa", 1),
    "time-slicing": {"encodingWorkerGpu": {"enabled": True, "timeSlicing": True}},
    "mig": {
        "encodingWorkerGpu": {"enabled": True, "gpuResource": "nvidia.com/mig-1g.12gb", "gpuProducts": ["NVIDIA-L4"]}
    },
    "any-gpu-node": {
        "encodingWorkerGpu": {"enabled": True, "gpuProducts": [], "runtimeClassName": "", "tolerations": []}
    },
    "gpu-affinity": {
        "encodingWorkerGpu": {
            "enabled": True,
            "affinity": {
                "nodeAffinity": {
                    "requiredDuringSchedulingIgnoredDuringExecution": {
                        "nodeSelectorTerms": [
                            {"matchExpressions": [{"key": "pool", "operator": "In", "values": ["a"]}]}
                        ]
                    }
                }
            },
        }
    },
    "scratch-volume": {
        worker: {"enabled": True, "scratch": {"sizeMb": 4096, "storageClassName": "fast"}} for worker in WORKERS[1:]
    },
    "no-network-policy": {"networkPolicy": {"enabled": False}},
    "peers": {
        "networkPolicy": {
            part: [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": part.lower()}}}]
            for part in ("metricsFrom", "dns", "rabbitmq", "redis", "s3", "llm", "collector")
        }
    },
    "pod-monitor": {"podMonitor": {"enabled": True, "labels": {"release": "prometheus"}}},
    "prometheus-rule": {"prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}}},
    "limits-of-alerts": {"prometheusRule": {"enabled": True, "spendPerHour": 2.5, "oldestRunHours": 36}},
    "dashboards": {"dashboards": {"enabled": True}},
    "priority-classes": {"priorityClasses": {"create": True}},
    "digests": {
        image: {"registry": "registry.example", "digest": DIGEST} for image in ("image", "mediaImage", "gpuImage")
    },
    "tags": {image: {"tag": "2.0.0-rc.1", "pullPolicy": "Always"} for image in ("image", "mediaImage", "gpuImage")},
    "pull-secrets": {"imagePullSecrets": ["registry-login"]},
    "own-authority": {"ca": {"existingSecret": "authority", "key": "tls.crt"}},
    "own-authority-of-s3": {"ca": {"existingConfigMap": "authority", "servers": ["s3"]}},
    "gemini": {
        "config": {"llm": {"provider": "gemini", "requests_per_minute": 60}},
        "llm": {"existingSecret": "model"},
    },
    "openai": {
        "config": {"llm": {"provider": "openai", "base_url": "http://vllm.models:8000/v1", "model": "qwen3:14b"}}
    },
    "traces": {
        "config": {"telemetry": {"otlp_endpoint": "https://collector.example:4318/otlp", "sample_ratio": 0.1}},
        "telemetry": {"existingSecret": "collector"},
    },
    "page": {
        "dispatcher": {
            "web": {"enabled": True, "existingSecret": "page", "port": 9090, "serviceAnnotations": {"a.example/b": "c"}}
        },
        "networkPolicy": {
            "webFrom": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}}]
        },
    },
    "page-without-tokens": {"dispatcher": {"web": {"enabled": True}}},
    "page-to-look-at": {"dispatcher": {"web": {"enabled": True, "existingSecret": "page", "actionTokenKey": ""}}},
    "tls-and-aws": {
        "config": {
            "rabbitmq": {"url": "amqps://rabbitmq.example:5671"},
            "redis": {"url": "rediss://redis.example:6380/3"},
            "s3": {"endpoint": None, "path_style": False, "region": "eu-central-1"},
        },
        "redis": {"existingSecret": "cache"},
    },
    "great-numbers": {
        # Helm reads numbers as floating point, whose text from a million on no program takes for a whole number.
        "config": {"llm": {"requests_per_minute": 1_000_000, "tokens_per_minute": 1_000_000_000}},
        "encodingWorkerCpu": {"enabled": True, "scratch": {"sizeMb": 2_000_000}},
        "priorityClasses": {"create": True, "dispatcher": 1_000_000_000, "worker": -10},
        "prometheusRule": {"enabled": True, "spendPerHour": 2_000_000},
    },
    "user-in-config": {
        "config": {"rabbitmq": {"username": "fleet"}},
        "rabbitmq": {"usernameKey": "", "managementSecret": "langflix-rabbitmq-monitoring"},
    },
    "in-cluster-rabbitmq": {
        "inCluster": {"rabbitmq": {"enabled": True, "replicas": 3}},
        "rabbitmq": {"existingSecret": ""},
    },
    "in-cluster-redis": {"inCluster": {"redis": {"enabled": True}}},
    "in-cluster-s3": {"inCluster": {"s3": {"enabled": True}}},
    "ingest": {
        "ingest": {
            "jobs": [
                {"name": "once", "paths": ["s3://langflix/Show/S01"], "args": ["--language=ko"]},
                {
                    "name": "nightly",
                    "paths": ["s3://langflix/Show"],
                    "schedule": "0 3 * * *",
                    "timeZone": "Europe/Berlin",
                },
            ]
        }
    },
    "labels": {
        "commonLabels": {"team": "media", "app.kubernetes.io/component": "wrong"},
        "commonAnnotations": {"owner": "media"},
        "dispatcher": {"podLabels": {"app.kubernetes.io/name": "wrong"}, "podAnnotations": {"a": "b"}},
    },
    "extras": {
        "dispatcher": {
            "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
            "extraVolumes": [{"name": "more", "configMap": {"name": "brought"}}],
            "extraVolumeMounts": [{"name": "more", "mountPath": "/more"}],
        },
        "extraObjects": [
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "brought"}, "data": {"a": "1"}},
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: 'brought-{{ .Release.Name }}'}, data: {b: '2'}}",
        ],
    },
    "placed": {
        part: {
            "nodeSelector": {"pool": "fleet"},
            "tolerations": [{"key": "fleet", "operator": "Exists"}],
            "priorityClassName": "batch",
            "spreadOver": ["topology.kubernetes.io/zone"],
            "serviceAccountAnnotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/fleet"},
        }
        for part in ("dispatcher", *WORKERS)
    },
    "long-drain": {"terminationGracePeriodSeconds": 3630},
    "long-names": {"fullnameOverride": "a-name-of-forty-characters-is-the-limit-"},
    "renamed": {"nameOverride": "fleet", "logFilter": "info,langflix=debug"},
}
OUTSIDE = frozenset({"authority", "brought", "brought-langflix"})
"""What the options above bring along or count on."""

APART = (
    "keda-of-another-user",
    "hpa",
    "any-gpu-node",
    "no-network-policy",
    "mig",
    "gpu-affinity",
    "own-authority-of-s3",
    "openai",
    "tags",
)
"""Options that do not go together with all others, since they say something else of the same value."""


def merged(*layers: dict) -> dict:
    """Values as Helm merges them: mappings key by key, all else whole."""
    made: dict = {}
    for layer in layers:
        for key, value in layer.items():
            both = isinstance(value, dict) and isinstance(made.get(key), dict)
            made[key] = merged(made[key], value) if both else deepcopy(value)
    return made


def values_files(chart: Path) -> dict[str, dict]:
    return {path.stem: documents(path.read_text())[0] for path in sorted(chart.glob("values-*.yaml"))}


def cases(chart: Path) -> Iterator[tuple[str, dict]]:
    """Every set of values that is rendered, by its name."""
    yield from values_files(chart).items()
    yield "plain", BASE
    for name, option in OPTIONS.items():
        yield name, merged(BASE, option)
    together = {name: option for name, option in OPTIONS.items() if name not in APART}
    yield "all", merged(BASE, *together.values())
    for name in together:
        yield f"all but {name}", merged(BASE, *(option for other, option in together.items() if other != name))


def _without(path: str, *options: str) -> dict:
    """Good values less one."""
    values = merged(BASE, *(OPTIONS[name] for name in options))
    *parents, last = path.split(".")
    place = values
    for part in parents:
        place = place[part]
    del place[last]
    return values


def _with(path: str, value) -> dict:
    values: dict = {}
    place = values
    *parents, last = path.split(".")
    for part in parents:
        place = place.setdefault(part, {})
    place[last] = value
    return merged(BASE, values)


WRONG: dict[str, list] = {
    "config.llm.provider": ["gemeni", True],
    "config.llm.chunk_size": [199, 20001, "many", 1000.5],
    "config.llm.temperature": [2.5, "warm"],
    "config.llm.input_price": [-1, 100_001],
    "config.llm.currency": ["dollars", "usd"],
    "config.telemetry.sample_ratio": [-0.1, 1.5],
    "dispatcher.web.port": [0, 80, 8080, 65536, "http"],
    "config.video.quality": ["best"],
    "config.video.codec": ["h264"],
    "config.video.normalize_loudness": ["yes", 1],
    "config.rabbitmq.url": ["http://rabbitmq", "amqp://user:password@rabbitmq:5672", 5672],
    "config.redis.url": ["redis:6379", "redis://:password@redis:6379"],
    "config.s3.endpoint": ["s3:9000"],
    "config.s3.bucket": ["a", "a bucket"],
    "config.fleet.max_attempts": [0],
    "config.gpu.min_capacity_percent": [101],
    "terminationGracePeriodSeconds": [0, 30, 900, 929, "990", 1e9],
    "image.digest": ["latest", "sha256:12", DIGEST.upper(), DIGEST + "0"],
    "gpuImage.digest": ["md5:" + "5" * 32],
    "image.tag": ["a tag", "v1:2"],
    "image.pullPolicy": ["Sometimes", ""],
    "imagePullSecrets": [[""], [{"name": "x"}], "x"],
    "fullnameOverride": ["x" * 41],
    "commonLabels": [{"a": 1}, ["a"]],
    "rabbitmq.managementUrl": ["rabbitmq:15672", "amqp://rabbitmq", "http://user:password@rabbitmq:15672"],
    "ca.servers": [["llm"], ["s3", "s3"], "s3"],
    "dispatcher.replicas": [-1, "two", 1.5],
    "dispatcher.resources.limits": [None, {"memory": None}],
    "test.resources.requests": [{"cpu": None}],
    "dispatcher.maxUnavailable": ["half", 0, "0%"],
    "dispatcher.extraEnv": [{"A": "b"}, [{"value": "b"}]],
    "analysisWorker.autoscaling.kind": ["karpenter", True],
    "analysisWorker.autoscaling.max": [0, "many"],
    "encodingWorkerGpu.enabled": ["yes", 1],
    "encodingWorkerGpu.scratch.sizeMb": [0, "10Gi"],
    "encodingWorkerCpu.autoscaling.cpuPercent": [0, 101],
    "encodingWorkerCpu.autoscaling.scaleDownAfterSeconds": [3601],
    "ingest.jobs": [
        [{"name": "Upper", "paths": ["a"]}],
        [{"name": "a", "paths": []}],
        [{"paths": ["a"]}],
        [{"name": "a", "path": "b"}],
    ],
    "priorityClasses.dispatcher": [2_000_000_000],
    "networkPolicy.enabled": ["on"],
    "podMonitor.interval": ["often", 30],
    "prometheusRule.spendPerHour": [0, -1, "20 USD"],
    "prometheusRule.oldestRunHours": [0, 1.5, "12h"],
    "inCluster.s3.storage": ["much", 20],
    "extraObjects": [[1], {"a": 1}],
}
"""Values that the schema refuses, each with a message that has the path."""

MISSING: list[tuple[str, dict]] = [
    ("config.s3.bucket", _without("config.s3.bucket")),
    ("config.rabbitmq.url", _without("config.rabbitmq.url")),
    ("config.redis.url", _without("config.redis.url")),
    ("rabbitmq.existingSecret", _without("rabbitmq.existingSecret")),
    ("s3.existingSecret", _without("s3.existingSecret")),
    ("rabbitmq.managementUrl", _without("rabbitmq.managementUrl", "keda")),
    (
        "encodingWorkerCpu.autoscaling.min",
        merged(BASE, _scaled("hpa", 1), {"encodingWorkerCpu": {"autoscaling": {"min": 0}}}),
    ),
    (
        "analysisWorker.autoscaling.max",
        merged(BASE, {"analysisWorker": {"autoscaling": {"kind": "hpa", "min": 9, "max": 8}}}),
    ),
]
"""Values that the templates refuse, since it takes more than one to see it."""


def wrong() -> Iterator[tuple[str, object, dict]]:
    """Each value to be refused: its path, itself, and values that have it."""
    for path, values in WRONG.items():
        for value in values:
            yield path, value, _with(path, value)


FIXED = (
    "rabbitmq.password",
    "rabbitmq.password_file",
    "redis.ca_file",
    "s3.access_key_file",
    "fleet.drain_seconds",
    "llm.api_key",
    "telemetry.otlp_headers_file",
)
"""Keys that the programs have and `config` has not: secrets, and what the chart sets itself."""

MACHINES = {"values-development": (4, 8), "values-in-cluster": (4, 8), "values-production": (8, 16)}
"""Cores and GiB that a values file is for, GPU nodes left out; all that it starts at once must find room there."""


def unknown(mappings: list[str]) -> Iterator[tuple[str, dict]]:
    """For each mapping of the values, a key in it that nobody knows."""
    for path in mappings:
        yield (
            (f"{path}.unknownKey" if path else "unknownKey"),
            _with(f"{path}.unknownKey" if path else "unknownKey", True),
        )
    for path in FIXED:
        yield f"config.{path}", _with(f"config.{path}", "x")
