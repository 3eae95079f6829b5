"""What benchmarks of the whole fleet are put together from: the provider, the services, and the servers' own words."""

import base64
import datetime
import hashlib
import hmac
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path

from provider import TOO_MANY, Provider

BURST = 20


def lesson(prompt: str) -> dict:
    """The last words of the first line that is asked about, in a scene of that line."""
    number, text = re.search(r"^(\d+) \| [^|]* \| [^|(]* \| (.*)$", prompt, re.M).groups()
    line, translated = int(number), "문장"
    return {
        "expression": " ".join(text.rstrip(".").split()[-4:]), "translation": "표현", "quote": text,
        "quote_translation": translated, "first_line": line, "last_line": line, "scene_first_line": line,
        "scene_last_line": line, "scene_translations": [{"line": line, "text": translated}],
        "meaning": "what it means", "similar": ["another"], "level": "B1", "kind": "idiom", "why": "useful",
    }  # fmt: skip


class Limiting(Provider):
    """Chat completions that find one expression, `latency` seconds after each call; above `limit` calls a minute, by a
    bucket of BURST calls, it answers 429 at once. Keeps when each call came, and whether it was answered."""

    def __init__(self, limit: int, latency: float):
        self.interval, self.latency, self.calls = 60 / limit, latency, []
        self.due, self.alone = 0.0, threading.Lock()
        super().__init__()

    def take(self) -> bool:
        with self.alone:
            now = time.monotonic()
            due = max(self.due, now)
            ok = due - now <= (BURST - 1) * self.interval
            self.due = due + self.interval if ok else self.due
            self.calls.append((now, ok))
            return ok

    def answer(self, request: bytes) -> tuple[int, dict[str, str], bytes]:
        if not self.take():
            return 429, {}, TOO_MANY
        time.sleep(self.latency)
        found = json.dumps({"expressions": [lesson(json.loads(request)["messages"][-1]["content"])]})
        answer = {
            "choices": [{"message": {"role": "assistant", "content": found}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 700, "completion_tokens": 150},
        }
        return 200, {}, json.dumps(answer).encode()


class Service:
    """One program of the fleet as a process, which tells its health and its measures."""

    def __init__(self, name: str, programs: Path, environment: dict, logs: Path):
        self.name, self.log = name, logs / f"{name}.log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        environment = environment | {"LANGFLIX__FLEET__HEALTH_ADDRESS": self.address}
        with self.log.open("w") as log:
            self.process = subprocess.Popen([str(programs / f"langflix-{name}")], env=environment, stderr=log)

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://{self.address}{path}", timeout=10) as answer:
            return answer.read().decode()

    def wait(self):
        """Until it is ready."""
        for _ in range(300):
            try:
                return self.get("/readyz")
            except OSError:
                time.sleep(0.2)
        sys.exit(f"error: {self.name} is not ready after a minute: see {self.log}")

    def requests(self) -> dict:
        """How many requests it has sent to S3, by their operation."""
        counts: dict[str, float] = {}
        for line in self.get("/metrics").splitlines():
            found = re.match(r'langflix_s3_requests_total\{.*operation="(\w+)".*\} (\S+)', line)
            if found:
                counts[found[1]] = counts.get(found[1], 0) + float(found[2])
        return counts

    def since(self, before: dict) -> dict:
        """How many it has sent that are not in `before`."""
        now = self.requests()
        return {operation: now[operation] - before.get(operation, 0) for operation in sorted(now)}

    def cpu(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def sleeps(self) -> int:
        """How often its threads have fallen asleep, which they do once each time that they were woken."""
        of = Path(f"/proc/{self.process.pid}/task").glob("*/status")
        return sum(int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", one.read_text(), re.M)[1]) for one in of)

    def peak_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class S3:
    """A bucket of the S3 server, with signed requests of its own (AWS Signature Version 4)."""

    ACCESS, SECRET = "AK", "SK"

    def __init__(self, endpoint: str, bucket: str):
        self.endpoint, self.bucket = endpoint, bucket

    def ask(self, method: str, query: dict) -> str:
        host, at = urllib.parse.urlsplit(self.endpoint).netloc, datetime.datetime.now(datetime.timezone.utc)
        stamp, empty = at.strftime("%Y%m%dT%H%M%SZ"), hashlib.sha256(b"").hexdigest()
        headers = {"host": host, "x-amz-content-sha256": empty, "x-amz-date": stamp}
        asked = urllib.parse.urlencode(sorted(query.items()), quote_via=urllib.parse.quote, safe="")
        names = ";".join(headers)
        lines = [method, f"/{self.bucket}", asked, *(f"{k}:{v}" for k, v in headers.items()), "", names, empty]
        scope = f"{stamp[:8]}/us-east-1/s3/aws4_request"
        digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        key = f"AWS4{self.SECRET}".encode()
        for part in (*scope.split("/"), f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        credential = f"Credential={self.ACCESS}/{scope}, SignedHeaders={names}, Signature={key.hex()}"
        headers["authorization"] = f"AWS4-HMAC-SHA256 {credential}"
        request = urllib.request.Request(f"{self.endpoint}/{self.bucket}?{asked}", headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read().decode()

    def make(self):
        self.ask("PUT", {})

    def keys(self, prefix: str) -> list[str]:
        found, after = [], ""
        while True:
            text = self.ask("GET", {"list-type": "2", "prefix": prefix, "start-after": after})
            page = re.findall(r"<Key>([^<]*)</Key>", text)
            found += page
            if "<IsTruncated>true" not in text:
                return found
            after = page[-1]


def redis(command: str, database: int) -> int:
    """Sends a command. Gives how many the server has got so far, where it tells."""
    place = urllib.parse.urlsplit(os.environ["LANGFLIX_TEST_REDIS"])
    with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
        connection.sendall(f"SELECT {database}\r\n{command}\r\nQUIT\r\n".encode())
        text = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    found = re.search(r"total_commands_processed:(\d+)", text)
    return int(found[1]) if found else 0


def vhost(method: str, name: str):
    """Makes or deletes a virtual host of RabbitMQ."""
    place = urllib.parse.urlsplit(os.environ["LANGFLIX_TEST_RABBITMQ_API"])
    word = base64.b64encode(f"{place.username}:{place.password}".encode()).decode()
    every = b'{"configure":".*","write":".*","read":".*"}'
    for path, body in ((f"vhosts/{name}", b"{}"), (f"permissions/{name}/guest", every))[: 2 if method == "PUT" else 1]:
        url = f"http://{place.hostname}:{place.port}/api/{path}"
        headers = {"Authorization": f"Basic {word}", "Content-Type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method), timeout=30).close()
