"""The files that are checked, read once."""

import json
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
FILES = ROOT / "helm/langflix/files"
ALERTS = FILES / "alerts.yaml"
DASHBOARDS = sorted((FILES / "dashboards").glob("*.json"))
DEPLOY = ROOT / "deploy"


@dataclass
class Query:
    """An expression, where it stands, and the labels that texts beside it take from its result."""

    where: str
    expression: str
    told: set[str]


def alerts() -> list[dict]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def dashboards() -> dict[str, dict]:
    return {path.name: json.loads(path.read_text()) for path in DASHBOARDS}


def filled(expression: str) -> str:
    """A dashboard's expression as Grafana sends it with all values chosen."""
    return expression.replace("$__rate_interval", "1m").replace("$namespace", ".*").replace("$vhost", ".*")
