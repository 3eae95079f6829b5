"""What it costs a fleet to tell of itself: no-op tasks, with more told each time: see `scripts/bench`.

nothing    measures are kept nowhere, and nothing is logged
measures   what every service counts and times, as Prometheus reads it
lines      the log as well: one line of JSON for each task, to a file
unsampled  traces as well, none of which is sampled (telemetry.sample_ratio 0)
spans      all traces, to a collector on this machine that throws them away (telemetry.sample_ratio 1)

All ways by turns, so that what else the machine does meets each of them. CPU seconds are those of our own process.
"""

import argparse
import json
import os
import statistics
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

WAYS = ("nothing", "measures", "lines", "unsampled", "spans")


class Collector(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser(description="What it costs a fleet to tell of itself.")
    parser.add_argument("--stage", type=Path, required=True, help="the example `stage` of langflix-fleet")
    parser.add_argument("--work", type=Path, required=True, help="folder for the log")
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    collector = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{collector.server_port}"
    cost: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(options.rounds):
        for way in WAYS:
            cost[way].append(measured(options, way, address))
    print(f"{'':10}{'us CPU a task':>15}{'more':>8}{'of nothing':>12}   {options.rounds} rounds of {options.tasks} tasks, medians")
    nothing = statistics.median(cost["nothing"])
    share, before = {}, "nothing"
    for way in WAYS:
        more = statistics.median(now - then for now, then in zip(cost[way], cost[before], strict=True))
        share[way], before = more / nothing, way
        print(f"{way:10}{statistics.median(cost[way]):15.0f}{more:8.1f}{share[way]:12.1%}")
    told = share["measures"] + share["unsampled"]
    for ratio in (0, 0.1, 1):
        print(f"measures and traces at sample_ratio {ratio}: {told + ratio * share['spans']:.1%}  (wanted: under 2 %)")


def measured(options, way: str, collector: str) -> float:
    """Microseconds of CPU for a task."""
    telemetry = {"OTLP_ENDPOINT": collector, "SAMPLE_RATIO": "1" if way == "spans" else "0"}
    environment = os.environ | {f"LANGFLIX__TELEMETRY__{key}": value for key, value in telemetry.items()}
    tells = "spans" if way == "unsampled" else way
    with (options.work / "telemetry.log").open("w") as log:
        command = [str(options.stage), str(options.tasks), "0", tells]
        told = subprocess.check_output(command, text=True, env=environment, stderr=log)
    return json.loads(told.splitlines()[-1])["cpu_s"] * 1e6 / options.tasks


if __name__ == "__main__":
    main()
