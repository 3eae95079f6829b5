"""Alerts and their sections, dashboards and the Compose file, without a server: see `scripts/check-alerts`."""

import itertools
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import compose_spec
import yaml

from files import DEPLOY, alerts, dashboards, filled

SECTIONS = ("**Look:**", "**Do:**")


def of_alerts() -> list[str]:
    faults = []
    for rule in alerts():
        name, told = rule["alert"], rule.get("annotations", {})
        if rule.get("labels", {}).get("severity") not in ("critical", "warning", "info"):
            faults.append(f"{name}: no severity")
        faults += [f"{name}: no {key}" for key in ("summary", "description") if not told.get(key)]
        if "$value" not in told.get("description", "") and not rule["expr"].startswith("absent("):
            faults.append(f"{name}: the description does not tell the value")
        if told.get("runbook") != f"deploy/runbooks.md#{name.lower()}":
            faults.append(f"{name}: the runbook is {told.get('runbook')}")
    return faults


def of_runbooks() -> list[str]:
    parts = re.split(r"^## (.+)$", (DEPLOY / "runbooks.md").read_text(), flags=re.MULTILINE)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    names = {rule["alert"] for rule in alerts()}
    faults = [f"runbooks.md: no section {name}" for name in names - sections.keys()]
    faults += [f"runbooks.md: no alert {name}" for name in sections.keys() - names]
    for name, text in sections.items():
        faults += [f"runbooks.md: {name} has no {part}" for part in SECTIONS if part not in text]
        links = re.findall(r"\]\(#(\w+)\)", text)
        faults += [f"runbooks.md: {name} leads to {link}" for link in links if link not in {n.lower() for n in names}]
    return faults


def of_unit_tests() -> list[str]:
    """Every alert is seen to fire and seen to be silent."""
    seen: dict[str, set[bool]] = {}
    for path in Path(__file__).parent.glob("*.test.yaml"):
        for test in yaml.safe_load(path.read_text())["tests"]:
            for case in test["promql_expr_test"]:
                for name in itertools.chain(*(n.split("|") for n in re.findall(r'alertname=~?"([\w|]+)"', case["expr"]))):
                    seen.setdefault(name, set()).add(bool(case["exp_samples"]))
    return [f"{rule['alert']}: its tests are {seen.get(rule['alert'])}" for rule in alerts() if len(seen.get(rule["alert"], ())) < 2]


def of_dashboards() -> list[str]:
    faults, uids, rules = [], [], []
    for file, board in dashboards().items():
        uids.append(board.get("uid"))
        faults += [f"{file}: {key} belongs to one Grafana" for key in ("id", "gnetId") if key in board]
        variables = {variable["name"]: variable for variable in board["templating"]["list"]}
        if variables.get("datasource", {}).get("type") != "datasource":
            faults.append(f"{file}: no variable for the data source")
        ids = [panel["id"] for panel in board["panels"]]
        faults += [f"{file}: panel {panel} twice" for panel in set(ids) if ids.count(panel) > 1]
        taken: set[tuple[int, int]] = set()
        for panel in board["panels"]:
            place = panel["gridPos"]
            fields = set(itertools.product(range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])))
            if fields & taken or place["x"] + place["w"] > 24:
                faults.append(f"{file}: {panel['title']} lies over another panel")
            taken |= fields
        text = json.dumps(board)
        faults += [f"{file}: a data source is {uid}" for uid in set(re.findall(r'"uid": "([^"]+)"', text)) - {"${datasource}", board["uid"]}]
        for used in set(re.findall(r"\$\{?(\w+)", text)) - variables.keys() - {"__rate_interval", "__all"}:
            # What a regular expression of label_replace found is $1.
            faults += [] if used.isdigit() else [f"{file}: there is no variable {used}"]
        for panel in board["panels"]:
            rules += [{"record": "panel", "expr": filled(target["expr"])} for target in panel.get("targets", [])]
    if None in uids or len(set(uids)) < len(uids):
        faults.append(f"dashboards: their uids are {uids}")
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        groups = [{"name": f"panel-{number}", "rules": [rule]} for number, rule in enumerate(rules)]
        yaml.safe_dump({"groups": groups}, file)
        file.flush()
        checked = subprocess.run(["promtool", "check", "rules", file.name], capture_output=True, text=True)
        # promtool warns of rules that are alike: a panel may well show what another shows.
        faults += [checked.stderr] if checked.returncode else []
    return faults


def of_compose() -> list[str]:
    text = (DEPLOY / "compose.yaml").read_text()
    spec = yaml.safe_load(text)
    # The parser takes addresses only, where the specification has a word for the host's.
    addressed = json.dumps(spec).replace("host-gateway", "127.0.0.1")
    try:
        compose_spec.PyCompose.from_json(addressed)
    except ValueError as error:
        return [f"compose.yaml: {error}"]
    faults, services = [], spec["services"]
    for name, service in services.items():
        faults += [f"compose.yaml: {name} has no secret {secret}" for secret in service.get("secrets", []) if secret not in spec["secrets"]]
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            there = (DEPLOY / source).exists() if source.startswith(".") else source.startswith("/") or source in spec["volumes"]
            faults += [] if there else [f"compose.yaml: {name} has no volume {volume}"]
        for needed in service.get("depends_on", []):
            if needed not in services:
                faults.append(f"compose.yaml: {name} needs {needed}")
                continue
            others = services[needed].get("profiles")
            if others is not None and not set(service.get("profiles", [None])) <= set(others):
                faults.append(f"compose.yaml: {name} needs {needed}, which its profiles do not start")
        for path in re.findall(r"/run/secrets/([\w-]+)", json.dumps(service)):
            faults += [] if path in service.get("secrets", []) else [f"compose.yaml: {name} reads {path} and is not given it"]
        if "profiles" in service and not (service.get("read_only") and service.get("cap_drop") == ["ALL"]):
            faults.append(f"compose.yaml: {name} may write to its root, or has capabilities")
        if ":" not in service["image"] and "build" not in service or service["image"].endswith(":latest"):
            faults.append(f"compose.yaml: {service['image']} is not pinned")
    return faults


def main() -> None:
    faults = []
    for check in (of_alerts, of_runbooks, of_unit_tests, of_dashboards, of_compose):
        found = check()
        faults += found
        print(f"    {check.__name__.removeprefix('of_')}: {'; '.join(found) or 'as they should be'}")
    sys.exit(1 if faults else 0)


main()
