"""What it costs a fleet to tell of itself, of what a no-op task costs: see `scripts/bench`.

nothing    measures are kept nowhere, and nothing is logged
measures   what every service counts and times, as Prometheus reads it
lines      the log as well: one line of JSON for each task
unsampled  traces as well, none of which is sampled (telemetry.sample_ratio 0)
spans      all traces, to a collector on this machine that throws them away (telemetry.sample_ratio 1)

A whole task differs from round to round by more than any of this costs, so that is measured on the loop that tasks go
through, without servers: all ways by turns, the differences in each round. The whole task, to which they are compared, is
analysed on the servers with nothing told. CPU seconds are those of our own process.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
from pathlib import Path

WAYS = ("nothing", "measures", "lines", "unsampled", "spans")
# What `telemetry.sample_ratio` is where nobody sets it.
DEFAULT = 0.1
WANTED = 0.02
LINE = re.compile(r"(\w+): .* ([\d.]+) us of CPU")


def main():
    parser = argparse.ArgumentParser(description="What it costs a fleet to tell of itself.")
    parser.add_argument("--stage", type=Path, required=True, help="the example `stage` of langflix-fleet")
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    whole = statistics.median(task(options) for _ in range(options.rounds))
    rounds = [loop() for _ in range(options.rounds)]
    print(f"a whole task: {whole:.0f} us CPU, the median of {options.rounds} rounds of {options.tasks}")
    print(f"{'':10}{'us CPU in the loop':>20}{'more':>8}{'of a task':>11}")
    share, before = {}, "nothing"
    for way in WAYS:
        more = statistics.median(each[way] - each[before] for each in rounds)
        share[way], before = more / whole, way
        print(f"{way:10}{statistics.median(each[way] for each in rounds):20.2f}{more:8.2f}{share[way]:11.1%}")
    told = share["measures"] + share["unsampled"]
    for ratio in (0, DEFAULT, 1):
        print(f"measures and traces at sample_ratio {ratio}: {told + ratio * share['spans']:.1%}")
    cost = told + DEFAULT * share["spans"]
    print(f"at the default, {DEFAULT}: {cost:.1%}  (wanted: under {WANTED:.0%})")
    if cost >= WANTED:
        sys.exit(1)


def task(options) -> float:
    """Microseconds of CPU for a task that tells nothing."""
    told = subprocess.check_output([str(options.stage), str(options.tasks), "0", "nothing"], text=True)
    return json.loads(told.splitlines()[-1])["cpu_s"] * 1e6 / options.tasks


def loop() -> dict[str, float]:
    """Microseconds of CPU for a message, by what is told."""
    bench = ["cargo", "bench", "--quiet", "--locked", "-p", "langflix-runtime", "--bench", "intake"]
    told = subprocess.check_output(bench, text=True)
    return {way: float(us) for way, us in LINE.findall(told)}


if __name__ == "__main__":
    main()
