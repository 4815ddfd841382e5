"""Client: HTTP to a router, its limits, its two routes, and how their answers are read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import httpx2
import numpy as np
import orjson
import pybase64

from vecmill.concurrency import sleep
from vecmill.errors import ConfigError, EmbedError
from vecmill.tei.errors import Kind, RetryableError, TooLargeError, check_status, quote

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from vecmill.protocols import Tokenizer
    from vecmill.tei.handshake import RouterInfo
    from vecmill.tei.session import RetryPolicy


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
        key: Its API key, if it needs one.
    """

    def __init__(self, url: str, connections: int, timeout_s: float, key: str | None = None) -> None:
        self.url = url.rstrip("/")
        here = httpx2.URL(url).host in LOOPBACK
        self._client = httpx2.Client(
            headers={"Authorization": f"Bearer {key}"} if key else None,
            timeout=httpx2.Timeout(timeout_s, connect=min(timeout_s, HEALTH_S), pool=None),
            limits=httpx2.Limits(max_connections=connections, max_keepalive_connections=connections),
            trust_env=not here,  # no proxy is between a machine and itself
            verify=not here or url.startswith("https:"),  # the certificates take longer to load than all else
        )

    def get(self, path: str) -> httpx2.Response:
        """Ask for a page.

        Raises:
            RetryableError: No answer came.
        """
        return self._request("GET", path)

    def post(self, path: str, body: bytes) -> bytes:
        """Send JSON and return the JSON that comes back, unread.

        Raises:
            RetryableError: Trying again may help.
            TooLargeError: Smaller requests may help.
            VecmillError: Neither does.
        """
        response = self._answer(path, body)
        kind = response.headers.get("content-type", "")
        if not kind.startswith(JSON):
            raise RetryableError(Kind.DAMAGED, f"the content type is {kind!r}, not {JSON}")
        return response.content

    def tokens(self, path: str, body: bytes) -> int | None:
        """Send JSON and return how many tokens the server read in all its texts; ``None`` if it does not say.

        Raises:
            RetryableError, TooLargeError, VecmillError: As ``post``.
        """
        count = self._answer(path, body).headers.get(COUNTED, "")
        return int(count) if count.isdecimal() else None

    def healthy(self) -> bool:
        """Ask whether it is ready: one that has no such page is, one that does not answer is not."""
        try:
            return self.get("/health").status_code < httpx2.codes.INTERNAL_SERVER_ERROR
        except RetryableError:
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
            raise RetryableError(Kind.AWAY, f"no connection to {self.url} ({error})") from error
        except httpx2.TimeoutException as error:
            raise RetryableError(
                Kind.DISCONNECTED, f"no answer in time (embedder.timeout_s): {type(error).__name__}"
            ) from error
        except httpx2.RequestError as error:
            raise RetryableError(Kind.DISCONNECTED, f"{type(error).__name__}: {error}") from error


UNKNOWN = 1 << 30


@dataclass(frozen=True, slots=True)
class Limits:
    """What a router takes. A server of another make has no ``/info``: its limits are not known.

    Attributes:
        texts_in_request: Texts in a request.
        texts_at_once: Texts in all requests that it works on at the same time.
        longest: Longest text in tokens, special tokens included.
    """

    texts_in_request: int = UNKNOWN
    texts_at_once: int = UNKNOWN
    longest: int = UNKNOWN

    @classmethod
    def of(cls, info: RouterInfo) -> Limits:
        """Return a router's."""
        return cls(
            texts_in_request=max(1, min(info.max_client_batch_size, info.max_concurrent_requests)),
            texts_at_once=info.max_concurrent_requests,
            longest=info.max_input_length,
        )


WIDTH = np.dtype("<f4")


class Route(ABC):
    """A path of the router's."""

    path: ClassVar[str]

    @abstractmethod
    def body(self, texts: Sequence[str]) -> bytes:
        """Return the request for these texts.

        Raises:
            EmbedError: One of them is no Unicode text.
        """

    @abstractmethod
    def vectors(self, content: bytes, rows: int, dimension: int) -> npt.NDArray[np.float32]:
        """Return the vectors of an answer, shape ``(rows, dimension)``, NaN where it has a null.

        Raises:
            RetryableError: It is not the answer to a request for as many vectors of that width.
        """


class OpenAiRoute(Route):
    """``/v1/embeddings`` with vectors in base64: less than half the work of JSON numbers."""

    path = "/v1/embeddings"

    def __init__(self, model: str) -> None:
        self._model = model

    def body(self, texts: Sequence[str]) -> bytes:
        """Ask for base64. The router itself needs no ``model``; most other servers refuse a request without."""
        return _json({"model": self._model, "input": texts, "encoding_format": "base64"})

    def vectors(self, content: bytes, rows: int, dimension: int) -> npt.NDArray[np.float32]:
        """Read base64, or numbers from a server that knows no base64."""
        answer = _parse_json(content)
        try:
            entries = sorted(answer["data"], key=lambda entry: entry["index"])
            numbers, vectors = [entry["index"] for entry in entries], [entry["embedding"] for entry in entries]
        except (KeyError, TypeError) as error:
            raise RetryableError(
                Kind.DAMAGED, f"no list of embeddings (it lacks {error}), but {quote(content)}"
            ) from error
        if len(vectors) != rows:
            raise RetryableError(Kind.DAMAGED, f"{len(vectors)} vectors came back for {rows} texts")
        if numbers != list(range(rows)):
            raise RetryableError(
                Kind.DAMAGED, f"the index of {rows} vectors is not each number from 0 to {rows - 1} once"
            )
        if isinstance(vectors[0], str):
            return _from_base64(vectors, dimension)
        return _from_numbers(vectors, rows, dimension)


class EmbedRoute(Route):
    """``/embed``, with vectors as JSON numbers. It alone has a parameter to cut long texts, or not to."""

    path = "/embed"

    def __init__(self, model: str = "", *, truncate: bool = False) -> None:
        del model  # the router has one
        self._truncate = truncate

    def body(self, texts: Sequence[str]) -> bytes:
        """Ask for unit vectors, as the other route always gives."""
        return _json({"inputs": texts, "normalize": True, "truncate": self._truncate})

    def vectors(self, content: bytes, rows: int, dimension: int) -> npt.NDArray[np.float32]:
        """Read numbers."""
        answer = _parse_json(content)
        if not isinstance(answer, list):
            raise RetryableError(Kind.DAMAGED, f"no list of vectors, but {quote(content)}")
        return _from_numbers(answer, rows, dimension)


ROUTES: dict[str, Callable[[str], Route]] = {"openai-base64": OpenAiRoute, "embed": EmbedRoute}
"""Each route, to be called with what the server calls the model."""


def _json(request: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(request)
    except TypeError as error:  # half of a surrogate pair
        raise EmbedError(f"the text cannot be sent as UTF-8: {error}") from error


def _parse_json(content: bytes) -> Any:  # noqa: ANN401 - whatever the answer holds
    try:
        return orjson.loads(content)
    except ValueError as error:
        raise RetryableError(Kind.DAMAGED, f"not JSON: {error}") from error


def _from_base64(made: list[str], dimension: int) -> npt.NDArray[np.float32]:
    try:
        parts = [pybase64.b64decode(each, validate=True) for each in made]
    except (ValueError, TypeError) as error:
        raise RetryableError(Kind.DAMAGED, f"not base64: {error}") from error
    sizes = set(map(len, parts))
    if sizes != {dimension * WIDTH.itemsize}:
        raise RetryableError(
            Kind.DAMAGED, f"vectors of {sorted(sizes)} bytes; the model makes {dimension} numbers of 4"
        )
    return np.frombuffer(b"".join(parts), WIDTH).reshape(-1, dimension).astype(np.float32, copy=False)


def _from_numbers(made: list[Any], rows: int, dimension: int) -> npt.NDArray[np.float32]:
    if len(made) != rows:  # before they are decoded: a null is five bytes in the answer, and a vector in memory
        raise RetryableError(Kind.DAMAGED, f"{len(made)} vectors came back for {rows} texts")
    nothing = [None] * dimension
    try:
        with np.errstate(over="ignore"):  # a number too large becomes infinite, and that is found later
            vectors = np.array([nothing if each is None else each for each in made], np.float32)
    except (ValueError, TypeError) as error:
        raise RetryableError(Kind.DAMAGED, f"not vectors of one width: {error}") from error
    if vectors.shape != (rows, dimension):
        raise RetryableError(Kind.DAMAGED, f"vectors of shape {vectors.shape} came back; {(rows, dimension)} are right")
    return vectors


TEXT = "How many tokens does a router read in this text?"


def check_token_count(router: Router, route: Route, tokenizer: Tokenizer, policy: RetryPolicy) -> None:
    """Embed a text whose tokens are known, and compare their number with what the router says it read.

    A router that puts a prompt of its own in front of each text shows it in no other way. Its vectors are of other
    texts, and with ``--auto-truncate true``, its default, it cuts what the prompt makes too long and does not say so.

    Raises:
        ConfigError: It read another number of tokens.
        EngineError: It did not answer in time.
    """
    theirs = _ask_token_count(router, route, policy)
    ours = int(tokenizer.count([TEXT])[0]) + tokenizer.special_tokens
    if theirs is not None and theirs != ours:
        raise ConfigError(
            f"the router at {router.url} reads {theirs} tokens in a text that has {ours} for its model: start it "
            "without --default-prompt and --default-prompt-name (vecmill puts the prompt in front), and with this "
            "model's tokenizer.json"
        )


def _ask_token_count(router: Router, route: Route, policy: RetryPolicy) -> int | None:
    """Return how many tokens the router read; ``None`` if it does not say."""
    while True:
        try:
            return router.tokens(route.path, route.body([TEXT]))
        except RetryableError as failure:
            sleep(policy.next_delay(failure))
        except (EmbedError, TooLargeError):  # the router says why when it refuses other texts
            return None
