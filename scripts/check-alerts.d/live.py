"""Alerts, dashboards and RabbitMQ's definitions on real servers and services: see `scripts/check-alerts`."""

import argparse
import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import promql
from broker import Broker
from files import DEPLOY, ROOT, Query, alerts, dashboards, filled
from fleet import Fleet
from watcher import Watcher

TARGET = {"job", "instance", "namespace", "pod"}
"""Labels that Prometheus gives each measure: the first two always, the others on Kubernetes."""

OUTSIDE = {"ALERTS": {"alertname", "alertstate", "severity"}}
"""What neither the fleet nor RabbitMQ tells, and its labels: Prometheus's own."""

EMPTY = {
    "fleet.json: Alerts that fire": "nothing is out of order for long",
    "season.json: Why intakes are closed": "memory and disk suffice",
    "season.json: Parts that are not ready": "all servers are there",
}
"""Panels that may have no value here, and why."""


def queries() -> list[Query]:
    found = []
    for rule in alerts():
        told = set(re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"])))
        found.append(Query(rule["alert"], rule["expr"], told))
    for file, board in dashboards().items():
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                told = set(re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", "")))
                found.append(Query(f"{file}: {panel['title']}", filled(target["expr"]), told))
    return found


def code() -> str:
    files = [path for folder in ("shared", "services") for path in (ROOT / folder).glob("*/src/**/*.rs")]
    return "\n".join(path.read_text() for path in files)


def known(query: Query, watcher: Watcher, text: str) -> list[str]:
    """What the expression names and nobody tells."""
    named, faults, labels = promql.named(query.expression), [], set(TARGET)
    for measure, matchers in named.matchers.items():
        has = OUTSIDE.get(measure) or watcher.labels(measure)
        if not has:
            faults.append(f"{query.where}: nobody tells {measure}")
            continue
        labels |= has
        faults += [f"{query.where}: {measure} has no label {label}" for label, _ in matchers if label not in has | TARGET]
        for label, value in matchers:
            if measure.startswith("langflix_"):
                faults += [f"{query.where}: {label} is never {word}" for word in promql.words(value) if f'"{word}"' not in text]
    labels |= named.made
    faults += [f"{query.where}: no measure has the label {label}" for label in (named.groupings | query.told) - labels]
    return faults


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--programs", type=Path, required=True)
    arguments.add_argument("--episode", type=Path, required=True)
    arguments.add_argument("--work", type=Path, required=True)
    options = arguments.parse_args()
    began, faults = time.monotonic(), []

    prepared = options.work / "deploy"
    shutil.rmtree(prepared, ignore_errors=True)
    shutil.copytree(DEPLOY, prepared, ignore=shutil.ignore_patterns("secrets", ".env"))
    subprocess.run([prepared / "prepare"], check=True)
    broker = Broker(prepared)
    faults += broker.import_definitions()
    broker.tell_measures()

    with Fleet(options.programs, options.work, broker) as fleet, Watcher(options.work, fleet, broker) as watcher:
        faults += fleet.lead(options.episode)
        watcher.wait_for_all()
        text, asked = code(), queries()
        empty = []
        for query in asked:
            faults += known(query, watcher, text)
            result = watcher.ask(query.expression)
            if isinstance(result, str):
                faults.append(f"{query.where}: {result}")
            elif not result:
                empty.append(query.where)
        faults += watcher.rule_faults()
        panels = sorted({name for name in empty if ".json" in name})
        print(f"    {len(asked)} expressions evaluated by Prometheus {watcher.version}; panels without a value here: {len(panels)}")
        for name in panels:
            print(f"        {name}: {EMPTY.get(name, 'nobody knows why')}")
        faults += [f"{name}: without a value" for name in panels if name not in EMPTY]
        faults += [f"{name}: there is no such panel" for name in EMPTY.keys() - {query.where for query in asked}]
        print(f"    alerts that fire here: {', '.join(watcher.firing()) or 'none'}")
        # Last: what is allowed and should not be changes the queues.
        faults += broker.rights()
        print(f"    definitions: {broker.said}")
    for fault in faults:
        print(f"    FAULT {fault}")
    print(f"    {'all as it should be' if not faults else f'{len(faults)} faults'}, after {time.monotonic() - began:.0f} s")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
