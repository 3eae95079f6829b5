"""Cuts the same clips three ways and prints what each cost: see `scripts/bench`.

guide   three ffmpeg at a time in batches of five, `-ss` before `-i`, preset fast, crf 23, threads 0: the reference
floor   the same encoder fed with the clips' raw frames, one clip after another; decoding them is not counted
decode  those frames decoded and thrown away, from the keyframe before each clip on: what any way pays besides the floor
ours    langflix-media's encoder and scheduler, through its example `cut`

Wall time is that of the whole job, CPU seconds those of every process that it started, memory the peak of their
proportional set sizes (PSS, from /proc, every 50 ms), so that pages shared between them count once. "busy" is the share
of the processors' time that was used out of what other programs left over. Only a machine that does nothing else shows
it rightly: other programs also fill the gaps that would be counted as idle.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FPS = 24
LOOP_SECONDS = 66
# What episodes in 1080p are commonly offered at; decoding costs by the bit.
RATE = "5M"
# Five to twenty seconds, mixed, the same in every run; eight of them are 92 s of picture.
LENGTHS_MS = [5_000, 8_500, 20_000, 11_000, 14_500, 6_250, 17_000, 9_750]
X264 = ["-c:v", "libx264", "-preset", "fast", "-crf", "23", "-threads", "0", "-pix_fmt", "yuv420p"]
FFMPEG = ["ffmpeg", "-nostdin", "-v", "error", "-y"]


def build_episode(work: Path, minutes: int) -> Path:
    """An H.264 High episode with keyframes ten seconds apart: a varied piece with film grain, looped without encoding."""
    episode = work / f"episode-{minutes}min-{RATE}.mkv"
    if episode.exists():
        return episode
    print(f"building {episode} (once)", file=sys.stderr)
    piece, whole = work / "piece.mkv", work / "whole.mkv"
    picture = (
        f"mandelbrot=s=960x540:r={FPS}:start_scale=1.5:end_scale=0.02:end_pts={LOOP_SECONDS * FPS},"
        "scale=1920:1080,format=yuv420p[deep];"
        f"testsrc2=s=480x270:r={FPS},scale=960:540,format=yuv420p[card];"
        f"[deep][card]overlay=x='480+400*sin(t/5)':y='270+200*cos(t/3)':enable='lt(mod(t,20),8)',"
        "noise=alls=4:allf=t:all_seed=1[v];"
        "anoisesrc=c=pink:a=0.3:seed=1:r=48000,tremolo=f=0.7:d=0.9,aformat=channel_layouts=stereo[a]"
    )
    subprocess.run(
        [*FFMPEG, "-filter_complex", picture, "-map", "[v]", "-map", "[a]", "-t", str(LOOP_SECONDS)]
        + ["-c:v", "libx264", "-preset", "veryfast", "-b:v", RATE, "-maxrate", "7M", "-bufsize", "10M"]
        + ["-profile:v", "high", "-g", str(10 * FPS)]
        + ["-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "160k", str(piece)],
        check=True,
    )
    loops = -(-minutes * 60 // LOOP_SECONDS)
    subprocess.run(
        [*FFMPEG, "-stream_loop", str(loops - 1), "-i", str(piece), "-map", "0", "-c", "copy"]
        + ["-t", str(minutes * 60), str(whole)],
        check=True,
    )
    piece.unlink()
    whole.rename(episode)
    return episode


def clips(count: int, minutes: int) -> list[tuple[int, int]]:
    """Start and end of each clip in milliseconds, spread over the episode and never on a keyframe."""
    step = minutes * 60_000 // count
    starts = [i * step + 1_000 + i * 377 % 3_000 for i in range(count)]
    return [(start, start + LENGTHS_MS[i % len(LENGTHS_MS)]) for i, start in enumerate(starts)]


def descendants(root: int) -> list[int]:
    """Every process that descends from `root`."""
    children: dict[int, list[int]] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                stat = Path(entry.path, "stat").read_text()
            except OSError:
                continue
            children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry.name))
    found, todo = [], [root]
    while todo:
        todo += (below := children.get(todo.pop(), []))
        found += below
    return found


def pss_kib(pid: int) -> int:
    """The proportional set size of a process; 0 once it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


class Meter:
    """Counts, while it is entered, what the processes started by this one cost."""

    def __enter__(self):
        self.wall = self.cpu = self.idle = 0.0
        self.peak_kib = 0
        self._done = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self._cpu_before, self._idle_before, self._began = self._children_cpu(), self._idle(), time.monotonic()
        self._sampler.start()
        return self

    def __exit__(self, *_):
        self.wall = time.monotonic() - self._began
        self.cpu = self._children_cpu() - self._cpu_before
        self.idle = self._idle() - self._idle_before
        self._done.set()
        self._sampler.join()

    @staticmethod
    def _children_cpu() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    @staticmethod
    def _idle() -> float:
        """Seconds that the processors had nothing to do, waiting for disks included."""
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
        return (int(fields[4]) + int(fields[5])) / os.sysconf("SC_CLK_TCK")

    def _sample(self):
        while not self._done.wait(0.05):
            self.peak_kib = max(self.peak_kib, sum(map(pss_kib, descendants(os.getpid()))))

    def figures(self) -> dict[str, float]:
        return {
            "wall_s": round(self.wall, 1),
            "cpu_s": round(self.cpu, 1),
            "idle_s": round(self.idle, 1),
            "peak_mb": round(self.peak_kib / 1024, 1),
            "busy": round(self.cpu / (self.cpu + self.idle), 3),
        }


def seconds(ms: int) -> str:
    return f"{ms / 1000:.3f}"


def guide(episode: Path, spans: list[tuple[int, int]], out: Path) -> dict[str, float]:
    def cut(numbered):
        number, (start, end) = numbered
        subprocess.run(
            [*FFMPEG, "-ss", seconds(start), "-i", str(episode), "-t", seconds(end - start), *X264]
            + ["-c:a", "aac", "-movflags", "+faststart", str(out / f"{number:02}.mp4")],
            check=True,
        )

    numbered = list(enumerate(spans))
    with Meter() as meter, ThreadPoolExecutor(3) as pool:
        for first in range(0, len(numbered), 5):
            list(pool.map(cut, numbered[first : first + 5]))
    return meter.figures()


def floor(episode: Path, spans: list[tuple[int, int]], out: Path) -> dict[str, float]:
    raw = out / "clip.yuv"
    total = {"wall_s": 0.0, "cpu_s": 0.0, "idle_s": 0.0, "peak_mb": 0.0}
    for number, (start, end) in enumerate(spans):
        subprocess.run(
            [*FFMPEG, "-ss", seconds(start), "-i", str(episode), "-t", seconds(end - start)]
            + ["-an", "-f", "rawvideo", "-pix_fmt", "yuv420p", str(raw)],
            check=True,
        )
        with Meter() as meter:
            subprocess.run(
                [*FFMPEG, "-f", "rawvideo", "-s", "1920x1080", "-r", str(FPS), "-pix_fmt", "yuv420p", "-i", str(raw)]
                + [*X264, "-movflags", "+faststart", str(out / f"{number:02}.mp4")],
                check=True,
            )
        raw.unlink()
        figures = meter.figures()
        for key in ("wall_s", "cpu_s", "idle_s"):
            total[key] += figures[key]
        total["peak_mb"] = max(total["peak_mb"], figures["peak_mb"])
    total["busy"] = total["cpu_s"] / (total["cpu_s"] + total["idle_s"])
    return {key: round(value, 3) for key, value in total.items()}


def decode(episode: Path, spans: list[tuple[int, int]]) -> dict[str, float]:
    with Meter() as meter:
        for start, end in spans:
            subprocess.run(
                [*FFMPEG, "-ss", seconds(start), "-i", str(episode), "-t", seconds(end - start)]
                + ["-an", "-fps_mode", "vfr", "-f", "null", "-"],
                check=True,
            )
    return meter.figures()


def ours(cut: Path, episode: Path, spans: list[tuple[int, int]], out: Path) -> dict[str, float]:
    wanted = out / "clips.json"
    wanted.write_text(json.dumps(spans))
    with Meter() as meter:
        subprocess.run([str(cut), str(episode), str(wanted), str(out)], check=True)
    return meter.figures()


def check(out: Path, spans: list[tuple[int, int]]):
    """Fails unless there is an MP4 for each clip, as long as asked for or a little longer (bounds may be padded)."""
    found = sorted(out.rglob("*.mp4"))
    if len(found) != len(spans):
        sys.exit(f"error: {out} holds {len(found)} clips, {len(spans)} were asked for")
    asked = sum(end - start for start, end in spans) / 1000
    probe = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0"]
    got = sum(float(subprocess.check_output([*probe, str(clip)])) for clip in found)
    if not asked - 0.1 * len(spans) <= got <= asked + 1.5 * len(spans):
        sys.exit(f"error: the clips in {out} last {got:.1f} s together, {asked:.1f} s were asked for")


def table(results: dict[str, dict[str, float]]):
    print(f"{'':8}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}{'busy':>8}")
    for name, row in results.items():
        print(f"{name:8}{row['wall_s']:9.1f}{row['cpu_s']:9.1f}{row['peak_mb']:9.0f}{row['busy']:8.1%}")
    mine, reference, least = results["ours"], results["guide"], results["floor"]
    read = results["decode"]["cpu_s"]
    print(f"CPU, ours to floor      {mine['cpu_s'] / least['cpu_s']:.3f}  (wanted: at most 1.05)")
    print(f"  decode to floor       {read / least['cpu_s']:.3f}")
    print(f"  ours to floor+decode  {mine['cpu_s'] / (least['cpu_s'] + read):.3f}")
    print(f"cores busy, ours        {mine['busy']:.1%}  (wanted: at least 95 %)")
    print(f"peak memory, ours/guide {mine['peak_mb'] / reference['peak_mb']:.2f}  (wanted: at most 0.50)")
    print(f"wall, ours/guide        {mine['wall_s'] / reference['wall_s']:.2f}")


def main():
    parser = argparse.ArgumentParser(description="Cuts the same clips three ways and prints what each cost.")
    parser.add_argument("--cut", type=Path, required=True, help="the example `cut` of langflix-media")
    parser.add_argument("--work", type=Path, required=True, help="folder for the episode (kept) and the clips")
    parser.add_argument("--quick", action="store_true", help="8 clips instead of 40")
    parser.add_argument("--minutes", type=int, default=22, help="length of the episode")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    episode = build_episode(options.work, options.minutes)
    spans = clips(8 if options.quick else 40, options.minutes)
    ways = {
        "guide": lambda out: guide(episode, spans, out),
        "floor": lambda out: floor(episode, spans, out),
        "ours": lambda out: ours(options.cut, episode, spans, out),
    }
    results = {}
    for name, way in ways.items():
        out = options.work / name
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        print(f"{name}: {len(spans)} clips, {sum(e - s for s, e in spans) / 1000:.0f} s of picture", file=sys.stderr)
        results[name] = way(out)
        check(out, spans)
    results["decode"] = decode(episode, spans)
    table(results)
    (options.work / "clips.json").write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
