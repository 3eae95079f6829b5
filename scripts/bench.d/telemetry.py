"""What it costs a fleet to tell of itself: no-op tasks, with more told each time: see `scripts/bench`.

nothing   measures are kept nowhere, and nothing is logged
measures  what every service counts and times, as Prometheus reads it
lines     the log as well: one line of JSON for each task, to a file
spans     all spans as well, to a collector on this machine that throws them away (telemetry.sample_ratio 1)

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

WAYS = ("nothing", "measures", "lines", "spans")


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
    parser.add_argument("--tasks", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    collector = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    environment = os.environ | {"LANGFLIX__TELEMETRY__OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}"}
    cost: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(options.rounds):
        for way in WAYS:
            with (options.work / "telemetry.log").open("w") as log:
                command = [str(options.stage), str(options.tasks), "0", way]
                told = subprocess.check_output(command, text=True, env=environment, stderr=log)
            cost[way].append(json.loads(told.splitlines()[-1])["cpu_s"] * 1e6 / options.tasks)
    print(f"{'':10}{'us CPU a task':>15}{'of nothing':>12}   {options.rounds} rounds of {options.tasks} tasks, medians")
    ratios = {way: [each / nothing for each, nothing in zip(cost[way], cost["nothing"], strict=True)] for way in WAYS}
    for way in WAYS:
        print(f"{way:10}{statistics.median(cost[way]):15.0f}{statistics.median(ratios[way]):12.3f}")
    print("wanted: measures and spans of what is sampled at most 1.02")


if __name__ == "__main__":
    main()
