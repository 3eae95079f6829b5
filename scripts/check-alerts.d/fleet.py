"""A fleet that works as RabbitMQ's user of the services and pays a provider: with a GPU that is not there, and without one."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from broker import SERVICES, VHOST, Broker, free_port
from teacher import Teacher

GPU = {
    "uuid": "GPU-8f6d1c2e-0b1a-4c3d-9e8f-000000000000", "name": "NVIDIA L4", "pci": "00000000:17:00.0", "slice_of": None,
    "engines": 2, "memory_mb": 24152, "used_memory_mb": 0, "session_mb": 600, "session_percent": 15, "foreign_sessions": 0,
    "capacity_percent": None, "utilization_percent": None, "failure": None, "refuses": None,
}  # fmt: skip
BUCKET = "langflix"
PATIENCE = 60
"""Seconds until every service must be ready."""
SILENCE = 10
"""Seconds for which Redis answers nothing: longer than anybody waits for it."""


class Fleet:
    """Dispatcher, analysis worker, and an encoding worker of each kind."""

    def __init__(self, programs: Path, work: Path, broker: Broker) -> None:
        self.programs, self.work, self.broker = programs, work, broker
        self.processes: list[subprocess.Popen] = []
        self.addresses: dict[str, str] = {}
        amqp = urlsplit(os.environ["LANGFLIX_TEST_AMQP"])
        self.environment = os.environ | Teacher().settings() | {
            "LANGFLIX__RABBITMQ__URL": f"amqp://{amqp.hostname}:{amqp.port}/{VHOST}",
            "LANGFLIX__RABBITMQ__USERNAME": SERVICES,
            "LANGFLIX__RABBITMQ__PASSWORD_FILE": str(broker.secrets / "rabbitmq-password"),
            "LANGFLIX__REDIS__URL": os.environ["LANGFLIX_TEST_REDIS"],
            "LANGFLIX__S3__ENDPOINT": os.environ["LANGFLIX_TEST_S3"],
            "LANGFLIX__S3__BUCKET": BUCKET,
            "LANGFLIX__S3__PATH_STYLE": "true",
            "AWS_ACCESS_KEY_ID": "AK",
            "AWS_SECRET_ACCESS_KEY": "SK",
            "LANGFLIX__VIDEO__QUALITY": "fast",
            "LANGFLIX__FLEET__SCRATCH_DIR": str(work / "scratch"),
            "LANGFLIX__FLEET__DRAIN_SECONDS": "5",
        }

    def __enter__(self) -> "Fleet":
        sign = ["--aws-sigv4", "aws:amz:us-east-1:s3", "--user", "AK:SK", "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD"]
        place = f"{os.environ['LANGFLIX_TEST_S3']}/{BUCKET}"
        subprocess.run(["curl", "-fsS", *sign, "-X", "PUT", "-o", "/dev/null", place], check=True)
        page = f"127.0.0.1:{free_port()}"
        self.start("dispatcher", "dispatcher", LANGFLIX__WEB__ADDRESS=page)
        self.start("analysis-worker", "analysis-worker")
        self.start("encoding-worker-cpu", "encoding-worker")
        try:
            self.wait_until_ready()
            # As a browser that shows the page until the end.
            self.listening = urllib.request.urlopen(f"http://{page}/api/v1/events", timeout=5)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()

    def start(self, name: str, program: str, **more: str) -> None:
        address = f"127.0.0.1:{free_port()}"
        environment = self.environment | {"LANGFLIX__FLEET__HEALTH_ADDRESS": address} | more
        with (self.work / f"{name}.log").open("w") as log:
            command = [self.programs / f"langflix-{program}"]
            self.processes.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL))
        self.addresses[name] = address

    def start_with_gpu(self) -> None:
        machine = self.work / "gpu"
        shutil.rmtree(machine, ignore_errors=True)
        (machine / "bin").mkdir(parents=True)
        state = {
            "driver": {"version": "570.86.15", "failure": None, "refuses": None, "reloads": 0},
            "session_cap": None, "encode_ms": 100, "real": True, "gpus": [GPU], "sessions": [],
            "counts": {"opens": 0, "refusals": 0, "most": 0},
        }  # fmt: skip
        (machine / "gpu.json").write_text(json.dumps(state))
        shutil.copy(self.programs / "liblangflix_standin_gpu.so", machine / "libnvidia-ml.so.1")
        (machine / "bin/ffprobe").symlink_to(shutil.which("ffprobe"))
        ffmpeg = machine / "bin/ffmpeg"
        variables = f"LANGFLIX_STANDIN_GPU='{machine}/gpu.json' LANGFLIX_STANDIN_FFMPEG='{shutil.which('ffmpeg')}'"
        ffmpeg.write_text(f"#!/bin/sh\nexport {variables}\nexec '{self.programs}/langflix-standin-ffmpeg' \"$@\"\n")
        ffmpeg.chmod(0o755)
        self.start(
            "encoding-worker-gpu",
            "encoding-worker",
            PATH=f"{machine}/bin:{os.environ['PATH']}",
            LD_LIBRARY_PATH=str(machine),
            LANGFLIX_STANDIN_GPU=str(machine / "gpu.json"),
            LANGFLIX__VIDEO__CODEC="h264_nvenc",
        )

    def wait_until_ready(self) -> None:
        until = time.monotonic() + PATIENCE
        for name, address in self.addresses.items():
            while (waits := unready(address)) is not None:
                if time.monotonic() > until:
                    raise SystemExit(f"{name} does not get ready: {waits}")
                time.sleep(0.2)

    def lead(self, episode: Path) -> list[str]:
        """One run without a GPU, which falls back to software, and one with it, at whose beginning Redis is silent. A message
        before that and one behind it is garbage."""
        faults = self.ingest(episode, 1)
        self.start_with_gpu()
        self.wait_until_ready()
        self.broker.spoil()
        self.silence_redis(SILENCE)
        faults += self.ingest(episode, 4)
        self.broker.spoil()
        return faults

    def silence_redis(self, seconds: int) -> None:
        redis = urlsplit(self.environment["LANGFLIX__REDIS__URL"])
        with socket.create_connection((redis.hostname, redis.port), timeout=5) as connection:
            connection.sendall(f"CLIENT PAUSE {seconds * 1000}\r\n".encode())
            assert connection.recv(100) == b"+OK\r\n"

    def ingest(self, episode: Path, expressions: int) -> list[str]:
        """Hands the episode in to be encoded by NVENC, and waits for its end."""
        settings = ["--language", "ko", "--max-expressions", str(expressions), "--set", "video.codec=h264_nvenc", "--wait"]
        command = [self.programs / "langflix", "ingest", episode, *settings]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=120)
        return [] if done.returncode == 0 else [f"fleet: ingest ends with {done.returncode}: {done.stdout}{done.stderr}"]


def unready(address: str) -> str | None:
    """What a service waits for; nothing where it is ready."""
    try:
        with urllib.request.urlopen(f"http://{address}/readyz", timeout=5):
            return None
    except urllib.error.HTTPError as error:
        return error.read().decode(errors="replace")
    except OSError as error:
        return str(error)
