"""What the example `gpu` of langflix-encoding-worker measured, read from stdin: see `scripts/bench`."""

import json
import statistics
import sys

figures = json.loads(sys.stdin.read())
queue, taken = figures["queue"], figures["freed_to_session_ms"]
print(f"{figures['clips']} clips of 4 s each under a cap of {figures['sessions']} sessions that nobody was told: {queue['wall_s']:.0f} s")
print(f"sessions refused  {queue['refused']} of {queue['opens'] + queue['refused']}, {queue['refused_part']:.1%}  (wanted: under 2 %)")
print(f"sessions busy     {queue['busy_part']:.1%}  (wanted: at least 95 %)")
p99 = statistics.quantiles(taken, n=100, method="inclusive")[98]
print(f"from capacity freed to a session opened  p50 {statistics.median(taken):.0f} ms, p99 {p99:.0f} ms  (wanted: under 1,000)")
