"""Router: the HTTP side of a server, without any opinion on what to do next."""

from __future__ import annotations

import httpx2

from vecmill.tei.faults import Fault, Kind, check_status

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
JSON = "application/json"
HEALTH_S = 10.0
COUNTED = "x-compute-tokens"


class Router:
    """A pool of connections to one address, for use from many threads.

    Args:
        url: Where it is.
        connections: How many requests there are at the same time, at most.
        timeout_s: How long an answer may take.
        key: Its API key, if it wants one.
    """

    def __init__(self, url: str, connections: int, timeout_s: float, key: str | None = None) -> None:
        self.url = url.rstrip("/")
        here = httpx2.URL(url).host in LOOPBACK
        self._client = httpx2.Client(
            headers={"Authorization": f"Bearer {key}"} if key else None,
            timeout=httpx2.Timeout(timeout_s, connect=min(timeout_s, HEALTH_S), pool=None),
            limits=httpx2.Limits(max_connections=connections, max_keepalive_connections=connections),
            trust_env=not here,  # no proxy stands between a machine and itself
            verify=not here or url.startswith("https:"),  # the certificates take longer to load than all else
        )

    def get(self, path: str) -> httpx2.Response:
        """Ask for a page.

        Raises:
            Fault: No answer came.
        """
        return self._request("GET", path)

    def post(self, path: str, body: bytes) -> bytes:
        """Send JSON and return the JSON that comes back, unread.

        Raises:
            Fault: Trying again may help.
            TooLarge: Smaller requests may help.
            VecmillError: Neither does.
        """
        response = self._answer(path, body)
        kind = response.headers.get("content-type", "")
        if not kind.startswith(JSON):
            raise Fault(Kind.DAMAGED, f"the content type is {kind!r}, not {JSON}")
        return response.content

    def tokens(self, path: str, body: bytes) -> int | None:
        """Send JSON and return how many tokens it was read as, in all its texts; ``None`` if the server keeps no count.

        Raises:
            Fault, TooLarge, VecmillError: As ``post``.
        """
        said = self._answer(path, body).headers.get(COUNTED, "")
        return int(said) if said.isdecimal() else None

    def healthy(self) -> bool:
        """Ask whether it is ready: one that has no such page is, one that does not answer is not."""
        try:
            return self.get("/health").status_code < httpx2.codes.INTERNAL_SERVER_ERROR
        except Fault:
            return False

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def _answer(self, path: str, body: bytes) -> httpx2.Response:
        response = self._request("POST", path, body)
        check_status(response)
        return response

    def _request(self, method: str, path: str, body: bytes | None = None) -> httpx2.Response:
        headers = {"Content-Type": JSON} if body else None
        try:
            return self._client.request(method, self.url + path, content=body, headers=headers)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise Fault(Kind.AWAY, f"no connection to {self.url} ({error})") from error
        except httpx2.TimeoutException as error:
            raise Fault(Kind.BROKEN, f"no answer in time (embedder.timeout_s): {type(error).__name__}") from error
        except httpx2.RequestError as error:
            raise Fault(Kind.BROKEN, f"{type(error).__name__}: {error}") from error
