"""A season through the fleet, with a provider that takes its time and limits its callers: see `scripts/bench`.

One dispatcher, which serves its page, one analysis worker and one encoding worker, each a process of its own, on servers of
their own. Seasons of 1, 6 and 24 episodes follow one another, each handed in by `langflix ingest`. Every chunk of every
episode is another text, so that no answer is known before; CLIPS clips are cut of each, from a picture so small that they
cost little.

limit used    answered calls from a season's first to its last one, per minute of that time, as a part of the limit;
              once more from 10 s after the first one, since a limiter at rest lets some calls go at once
time          from the first episode submitted to the last run closed, by episode
S3 requests   those of the three services, by episode; what handing in takes is not among them
memory        the most that a process ever had (VmHWM), when the season had ended
idle          60 s after the last season: CPU by /proc, times that a thread fell asleep, requests that were sent
"""

import argparse
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

from fleet_parts import Limiting, S3, Service, redis, vhost

SERVICES = ("dispatcher", "analysis-worker", "encoding-worker")
CHUNKS, CUES, CLIPS = 30, 20, 2
LIMIT, LATENCY = 600, 2.0
PATIENCE = 600.0


def subtitles(season: int, episode: int) -> str:
    """Cues of 70 characters, each a sentence: CUES of them make a chunk of 1,400 characters."""
    cues = []
    for n in range(CHUNKS * CUES):
        begin, end = (f"00:{at // 60:02}:{at % 60:02},000" for at in (n * 4, n * 4 + 3))
        text = f"Nobody in house {episode:02} of street {season:02} has heard a single sound on day {n:04}."
        cues.append(f"{n + 1}\n{begin} --> {end}\n{text}\n")
    return "\n".join(cues)


def season(work: Path, number: int, episodes: int) -> Path:
    """A folder of that many episodes: a black picture a second, no two the same file, and subtitles of their own."""
    video, folder = work / "black.mkv", work / f"Bench/S{number:02}"
    if not video.exists():
        black = ["-f", "lavfi", "-i", f"color=black:size=64x36:rate=1:duration={CHUNKS * CUES * 4}"]
        silent = ["-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-shortest"]
        subprocess.run(["ffmpeg", "-v", "error", "-y", *black, *silent, "-preset", "ultrafast", str(video)], check=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for episode in range(1, episodes + 1):
        name = f"Bench.S{number:02}E{episode:02}"
        titled = ["-i", str(video), "-c", "copy", "-metadata", f"title={name}", str(folder / f"{name}.mkv")]
        subprocess.run(["ffmpeg", "-v", "error", *titled], check=True)
        (folder / f"{name}.srt").write_text(subtitles(number, episode))
    return folder


def ingest(programs: Path, folder: Path, environment: dict) -> float:
    """Hands a season in. Gives when the first of its episodes was submitted."""
    wanted = ["--language", "ko", "--max-expressions", str(CLIPS), "--json"]
    command = [str(programs / "langflix"), "ingest", str(folder), *wanted]
    first = None
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if json.loads(line).get("event") == "submitted":
                first = first or time.monotonic()
    if process.returncode or first is None:
        sys.exit(f"error: the season in {folder} was not submitted (exit code {process.returncode})")
    return first


def run(number: int, episodes: int, options, environment: dict, fleet: list, provider: Limiting, s3: S3) -> dict:
    folder = season(options.work, number, episodes)
    before, asked = [service.requests() for service in fleet], len(provider.calls)
    first = ingest(options.programs, folder, environment)
    while s3.keys("open/"):
        if time.monotonic() - first > PATIENCE:
            sys.exit(f"error: {len(s3.keys('open/'))} of {episodes} runs have not ended after {PATIENCE:.0f} s")
        time.sleep(0.25)
    wall = time.monotonic() - first
    sent = {s.name: s.since(was) for s, was in zip(fleet, before)}
    calls = provider.calls[asked:]
    answered = [at for at, ok in calls if ok]
    return {
        "episodes": episodes,
        "each_s": wall / episodes,
        "s3_each": sum(sum(of.values()) for of in sent.values()) / episodes,
        "s3": {name: {op: round(n / episodes, 1) for op, n in of.items()} for name, of in sent.items()},
        "calls": len(calls),
        "refused": 1 - len(answered) / len(calls),
        "used": used(answered),
        "steady": used([at for at in answered if at >= answered[0] + 10]),
        "most": max(sum(at <= other < at + 60 for other in answered) for at in answered),
        "mb": {service.name: service.peak_mb() for service in fleet},
    }


def used(answered: list) -> float:
    """The part of the limit that calls at these times make use of; nothing where they are few."""
    return (len(answered) - 1) / (answered[-1] - answered[0]) * 60 / LIMIT if len(answered) > 1 else math.nan


def idle(fleet: list, database: int, seconds: float) -> dict:
    time.sleep(5)
    sent = [service.requests() for service in fleet]
    before = [(service.cpu(), service.sleeps()) for service in fleet]
    commands = redis("INFO stats", database)
    time.sleep(seconds)
    commands = redis("INFO stats", database) - commands - 3  # those that ask
    after = [(service.cpu(), service.sleeps()) for service in fleet]
    rows = {}
    for service, was, (cpu, sleeps), (cpu_now, sleeps_now) in zip(fleet, sent, before, after):
        s3 = sum(service.since(was).values())
        rows[service.name] = ((cpu_now - cpu) / seconds * 100, (sleeps_now - sleeps) / seconds, s3 / seconds * 60)
    return {"rows": rows, "redis": commands / seconds * 60}


def table(seasons: list, quiet: dict):
    def row(what: str, values, wanted: str):
        print(f"{what:34}" + "".join(f"{value:>10}" for value in values) + f"   {wanted}")

    def of(give):
        return [give(one) for one in seasons]

    def part(value: float) -> str:
        return "-" if math.isnan(value) else f"{value:.1%}"

    row("", of(lambda s: f"{s['episodes']} ep."), "wanted")
    row("limit used", of(lambda s: part(s["used"])), "at least 95 % with 24")
    row("limit used, first 10 s left out", of(lambda s: part(s["steady"])), "at least 95 % with 24")
    row("answered 429", of(lambda s: part(s["refused"])), "under 1 %")
    row("calls", of(lambda s: s["calls"]), f"{CHUNKS} an episode")
    row("most calls in 60 s", of(lambda s: s["most"]), f"{LIMIT} at most")
    row("seconds an episode", of(lambda s: f"{s['each_s']:.2f}"), "no more with 24 than with 1")
    row("S3 requests an episode", of(lambda s: f"{s['s3_each']:.1f}"), "no more with 24 than with 1")
    for name, wanted in zip(SERVICES, ("64 MB and flat", "100 MB", "100 MB")):
        row(f"peak memory, {name}, MB", of(lambda s: f"{s['mb'][name]:.1f}"), f"under {wanted}")
    print(f"\n{'idle':34}{'CPU %':>10}{'sleeps/s':>10}{'S3/min':>10}   wanted: CPU under 1 %, S3 at most 12 a minute")
    for name, (cpu, sleeps, s3) in quiet["rows"].items():
        print(f"{name:34}{cpu:10.2f}{sleeps:10.1f}{s3:10.0f}")
    print(f"{'commands that Redis got, a minute':34}{quiet['redis']:30.0f}")
    print("\nS3 requests an episode, by service and operation")
    for one in seasons:
        for name, counts in one["s3"].items():
            sent = ", ".join(f"{operation} {count}" for operation, count in counts.items() if count)
            print(f"{one['episodes']:4} ep.  {name:17}{sent or 'none'}")


def main():
    parser = argparse.ArgumentParser(description="A season through the fleet.")
    parser.add_argument("--programs", type=Path, required=True, help="folder of the programs, built for release")
    parser.add_argument("--work", type=Path, required=True, help="folder for videos and logs")
    parser.add_argument("--episodes", type=int, nargs="+", default=[1, 6, 24], help="the seasons, one after another")
    parser.add_argument("--idle", type=float, default=60, help="seconds to look at the idle fleet")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    name, database = f"bench-{uuid.uuid4().hex[:12]}", 4094
    s3, provider = S3(os.environ["LANGFLIX_TEST_S3"], name), Limiting(LIMIT, LATENCY)
    fleet = []
    s3.make()
    redis("FLUSHDB", database)
    vhost("PUT", name)
    try:
        settings = {
            "RABBITMQ__URL": f"{os.environ['LANGFLIX_TEST_AMQP'].replace('guest:guest@', '')}/{name}",
            "REDIS__URL": f"{os.environ['LANGFLIX_TEST_REDIS']}/{database}",
            "S3__ENDPOINT": s3.endpoint,
            "S3__BUCKET": name,
            "S3__PATH_STYLE": "true",
            "LLM__PROVIDER": "openai",
            "LLM__MODEL": "bench",
            "LLM__BASE_URL": provider.url,
            "LLM__REQUESTS_PER_MINUTE": str(LIMIT),
            "LLM__MAX_CONCURRENT_REQUESTS": "32",
            "PROCESSING__MIN_EXPRESSIONS_PER_CHUNK": "0",
            "FLEET__SCRATCH_DIR": str(options.work / "scratch"),
            "WEB__ADDRESS": "127.0.0.1:0",
        }
        kept = {key: value for key, value in os.environ.items() if not key.startswith("LANGFLIX__")}
        environment = kept | {f"LANGFLIX__{key}": value for key, value in settings.items()}
        environment |= {"AWS_ACCESS_KEY_ID": S3.ACCESS, "AWS_SECRET_ACCESS_KEY": S3.SECRET}
        for one in SERVICES:
            fleet.append(Service(one, options.programs, environment, options.work))
        for service in fleet:
            service.wait()
        numbered = enumerate(options.episodes, 1)
        seasons = [run(number, many, options, environment, fleet, provider, s3) for number, many in numbered]
        manifests = sum(key.endswith("/manifest.json") for key in s3.keys("runs/"))
        if manifests != sum(options.episodes):
            sys.exit(f"error: {manifests} manifests for {sum(options.episodes)} episodes")
        clips = sum(key.endswith("/clip.json") for key in s3.keys("clips/"))
        if clips != CLIPS * sum(options.episodes):
            sys.exit(f"error: {clips} clips of {sum(options.episodes)} episodes")
        table(seasons, idle(fleet, database, options.idle))
    finally:
        for service in fleet:
            service.end()
        provider.shutdown()
        vhost("DELETE", name)


if __name__ == "__main__":
    main()
