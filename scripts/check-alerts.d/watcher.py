"""A Prometheus that looks at the fleet and at RabbitMQ as deploy/prometheus has it."""

import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import yaml

from broker import VHOST, Broker, free_port
from files import ALERTS, DEPLOY
from fleet import Fleet

PATIENCE = 40
"""Seconds until every target must have been seen."""


class Watcher:
    """Scrapes each second; ended when left."""

    def __init__(self, work: Path, fleet: Fleet, broker: Broker) -> None:
        self.work, self.fleet, self.broker = work, fleet, broker
        self.address = f"127.0.0.1:{free_port()}"

    def configuration(self) -> dict:
        """The one that is shipped, with the addresses of this run."""
        settings = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())
        settings["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        settings["rule_files"] = [str(ALERTS)]
        for job in settings["scrape_configs"]:
            for names in job.pop("dns_sd_configs", []):
                assert {"dispatcher", "analysis-worker", "encoding-worker"} == set(names["names"])
                targets = self.work / "targets.json"
                job["file_sd_configs"] = [{"files": [str(targets)], "refresh_interval": "1s"}]
            for static in job.get("static_configs", []):
                static["targets"] = [{"rabbitmq:15692": f"127.0.0.1:{self.broker.measures}"}[name] for name in static["targets"]]
        return settings

    def __enter__(self) -> "Watcher":
        data = self.work / "prometheus"
        shutil.rmtree(data, ignore_errors=True)
        file = self.work / "prometheus.yml"
        file.write_text(yaml.safe_dump(self.configuration()))
        self.look_at()
        command = ["prometheus", f"--config.file={file}", f"--storage.tsdb.path={data}", f"--web.listen-address={self.address}"]
        with (self.work / "prometheus.log").open("w") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=os.environ)
        return self

    def look_at(self) -> None:
        """Labels as the chart's PodMonitor gives them."""
        pods = [
            {"targets": [address], "labels": {"namespace": "langflix", "pod": f"langflix-{name}-0"}}
            for name, address in self.fleet.addresses.items()
        ]
        (self.work / "targets.json").write_text(json.dumps(pods))

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(15)

    def get(self, path: str, **parameters: str) -> dict:
        url = f"http://{self.address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=20) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            return json.load(error)

    def wait_for_all(self) -> None:
        """Until each service and RabbitMQ's queues have been looked at twice."""
        self.look_at()
        wanted, until = len(self.fleet.addresses) + 2, time.monotonic() + PATIENCE
        while time.monotonic() < until:
            try:
                up = self.ask("count(sum_over_time(up[10s]) >= 2)")
                queues = self.ask(f'rabbitmq_detailed_queue_messages{{vhost="{VHOST}", queue="encoding.bulk.v1"}}')
                if up and int(up[0]["value"][1]) == wanted and queues:
                    break
            except (urllib.error.URLError, ConnectionError):
                pass
            time.sleep(0.5)
        else:
            raise SystemExit(f"Prometheus sees no {wanted} targets: {self.get('targets')}")
        self.version = self.get("status/buildinfo")["data"]["version"]

    def ask(self, expression: str) -> list | str:
        """The result, or what is wrong with the expression."""
        answer = self.get("query", query=expression)
        return answer["data"]["result"] if answer["status"] == "success" else answer["error"]

    def labels(self, measure: str) -> set[str]:
        series = self.get("series", **{"match[]": measure})["data"]
        return {label for one in series for label in one} - {"__name__"}

    def rule_faults(self) -> list[str]:
        rules = [rule for group in self.get("rules")["data"]["groups"] for rule in group["rules"]]
        return [f"{rule['name']}: {rule['health']}: {rule.get('lastError')}" for rule in rules if rule["health"] != "ok"]

    def firing(self) -> list[str]:
        return sorted({alert["labels"]["alertname"] for alert in self.get("alerts")["data"]["alerts"] if alert["state"] == "firing"})
