"""Webhook: a server of this machine that takes reports, as a chat service does."""

from __future__ import annotations

import http.server
import json
import threading
from typing import Any, Self

MOVED = 302


class Receiver:
    """Takes reports, from entering the context to leaving it.

    Attributes:
        answers: The statuses that it answers, one after the other; then 200.
        received: What was asked: path, content type, content.
        url: Its address.
    """

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.received: list[tuple[str, str, dict[str, Any]]] = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.answer(self)

            def do_GET(self) -> None:
                receiver.answer(self)

            def log_message(self, *_: object) -> None:
                """Be silent."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        """Take a report."""
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        self.received.append((request.path, request.headers.get("Content-Type", ""), json.loads(body or b"{}")))
        status = self.answers.pop(0) if self.answers else 200
        request.send_response(status)
        if status == MOVED:
            request.send_header("Location", f"{self.url}/elsewhere")
        request.send_header("Content-Length", "0")
        request.end_headers()
