"""Server: one origin on a loopback port."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

from doubles.hub.disturbance import DROPPED
from doubles.hub.fault import Fault
from doubles.hub.request import Answer, Request

if TYPE_CHECKING:
    from collections.abc import Callable


class Server:
    """Answers requests in threads until it is closed.

    Attributes:
        url: Its address.
        log: Every request so far, with the status it got.
    """

    def __init__(self, answer: Callable[[Request], Answer]) -> None:
        self.log: list[Request] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(answer, self.log))
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening; a second time is no harm."""
        if not self._thread.is_alive():
            return
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


def _handler(answer: Callable[[Request], Answer], log: list[Request]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30
        # Headers and body in one packet: in two, the second waits 40 ms for the first to be acknowledged.
        disable_nagle_algorithm = True
        wbufsize = 1 << 16

        def do_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, self.path, headers, body)
            self._send(request, _guarded(answer, request))

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_any  # noqa: N815 (http.server's names)

        def _send(self, request: Request, found: Answer) -> None:
            request.status = found.status
            log.append(request)
            if found.status == DROPPED:
                self.close_connection = True
                return
            self.send_response(found.status)
            for name, value in {"Content-Length": str(len(found.body)), **found.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(found.body)

        def log_message(self, *args: object) -> None:
            """Keep quiet: requests are in the log."""

    return Handler


def _guarded(answer: Callable[[Request], Answer], request: Request) -> Answer:
    try:
        return answer(request)
    except Fault as fault:
        body = json.dumps({"error": str(fault)}).encode()
        return Answer(fault.status, body, {"Content-Type": "application/json", **fault.headers})
