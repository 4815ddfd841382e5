"""Errors: what an answer without vectors means, and the HTTP client that brings it."""

from __future__ import annotations

from enum import Enum

import httpx2
import orjson

from vecmill.errors import ConfigError, EmbedError, EngineError

SHOWN = 300
"""Characters of an answer that an error quotes."""


class Kind(Enum):
    """Why it is worth trying again."""

    BUSY = "the router has no room"
    AWAY = "the router is not there"
    BROKEN = "the connection broke"
    FAILED = "the model failed"
    DAMAGED = "the answer makes no sense"


ABOUT_THE_TEXTS = frozenset({Kind.FAILED, Kind.DAMAGED})
"""An answer came, and came again: other texts may do better, so what was asked for is asked for in parts."""


class Fault(Exception):  # noqa: N818 - it never leaves this package; what is left of it then is an EngineError
    """A request that may do better the next time."""

    def __init__(self, kind: Kind, detail: str) -> None:
        super().__init__(f"{kind.value}: {detail}")
        self.kind = kind


class TooLarge(Exception):  # noqa: N818 - (the same: its remains are an EmbedError)
    """A request that may do better in two halves."""


class InvalidTextError(EmbedError):
    """The router read the texts and will not have one of them."""


def check_status(response: httpx2.Response) -> None:
    """Return if the answer brings what was asked for.

    Raises:
        Fault: Trying again may help.
        TooLarge: Smaller requests may help.
        EmbedError: One of the texts is at fault.
        ConfigError: The address or the key is wrong.
        EngineError: It is an answer that no router gives.
    """
    status = response.status_code
    if status == 200:  # noqa: PLR2004 - the one good one
        return
    said = f"{status} {quote(response.content)}".strip()
    match status:
        case 429:
            raise Fault(Kind.BUSY, said)
        case 502 | 503 | 504:
            raise Fault(Kind.AWAY, said)
        case 424 | 500:
            raise Fault(Kind.FAILED, said)
        case 413:
            raise TooLarge(f"the router takes no request of this size ({said}): raise its --payload-limit")
        case 422:
            raise InvalidTextError(f"the router refused it: {said}")
        case 400:
            raise EmbedError(f"the router refused it: {said}")
        case 401 | 403:
            raise ConfigError(
                f"the router at {response.url.host} wants another key ({said}): "
                "put it into the environment variable VECMILL_TEI_API_KEY"
            )
        case 404 | 405:
            raise ConfigError(
                f"{response.url} is not there ({said}): correct embedder.url or embedder.served_model, or "
                "choose another embedder.route"
            )
    raise EngineError(
        f"{response.url} answered {said}, which is not an answer of a router: do what it says, or correct embedder.url"
    )


def quote(content: bytes) -> str:
    """Return the router's own words: each of its routes has another shape of error."""
    try:
        answer = orjson.loads(content)
        error = answer.get("error") or answer.get("message") or answer
        text = str(error.get("message") or error) if isinstance(error, dict) else str(error)
    except (ValueError, AttributeError):
        text = content.decode(errors="replace")
    return text[:SHOWN]


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
