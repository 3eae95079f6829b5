"""A stand-in for a provider of language models, which speaks OpenAI's protocol."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOO_MANY = b'{"error":{"code":"rate_limit_exceeded","message":"too many requests"}}'


class Provider(ThreadingHTTPServer):
    """Answers requests for chat completions at `url`, until the process ends."""

    daemon_threads, request_queue_size = True, 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def answer(self, request: bytes) -> tuple[int, dict[str, str], bytes]:
        """The status, more headers, and the body."""
        raise NotImplementedError


class Answering(BaseHTTPRequestHandler):
    protocol_version, disable_nagle_algorithm, wbufsize = "HTTP/1.1", True, -1

    def do_POST(self) -> None:
        status, headers, body = self.server.answer(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
