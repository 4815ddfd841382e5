"""Client: the router's limits, its two routes, and how their answers are read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import orjson
import pybase64

from vecmill.concurrency import sleep
from vecmill.errors import ConfigError, EmbedError
from vecmill.tei.errors import Fault, Kind, TooLarge, quote

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from vecmill.protocols import Tokenizer
    from vecmill.tei.errors import Router
    from vecmill.tei.handshake import RouterInfo
    from vecmill.tei.session import RetryPolicy


UNKNOWN = 1 << 30


@dataclass(frozen=True, slots=True)
class Limits:
    """Without ``/info`` there are none that are known: a server of another make.

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
            Fault: It is not the answer to a request for as many vectors of that width.
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
            numbers, made = [entry["index"] for entry in entries], [entry["embedding"] for entry in entries]
        except (KeyError, TypeError) as error:
            raise Fault(Kind.DAMAGED, f"no list of embeddings (it lacks {error}), but {quote(content)}") from error
        if len(made) != rows:
            raise Fault(Kind.DAMAGED, f"{len(made)} vectors came back for {rows} texts")
        if numbers != list(range(rows)):
            raise Fault(Kind.DAMAGED, f"the index of {rows} vectors is not each number from 0 to {rows - 1} once")
        return _from_base64(made, dimension) if isinstance(made[0], str) else _from_numbers(made, rows, dimension)


class EmbedRoute(Route):
    """``/embed``, with vectors as JSON numbers. It alone can be told to cut long texts, or not to."""

    path = "/embed"

    def __init__(self, model: str = "", *, truncate: bool = False) -> None:
        del model  # there is one behind it
        self._truncate = truncate

    def body(self, texts: Sequence[str]) -> bytes:
        """Ask for unit vectors, as the other route always gives."""
        return _json({"inputs": texts, "normalize": True, "truncate": self._truncate})

    def vectors(self, content: bytes, rows: int, dimension: int) -> npt.NDArray[np.float32]:
        """Read numbers."""
        answer = _parse_json(content)
        if not isinstance(answer, list):
            raise Fault(Kind.DAMAGED, f"no list of vectors, but {quote(content)}")
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
        raise Fault(Kind.DAMAGED, f"not JSON: {error}") from error


def _from_base64(made: list[str], dimension: int) -> npt.NDArray[np.float32]:
    try:
        parts = [pybase64.b64decode(each, validate=True) for each in made]
    except (ValueError, TypeError) as error:
        raise Fault(Kind.DAMAGED, f"not base64: {error}") from error
    sizes = set(map(len, parts))
    if sizes != {dimension * WIDTH.itemsize}:
        raise Fault(Kind.DAMAGED, f"vectors of {sorted(sizes)} bytes; the model makes {dimension} numbers of 4")
    return np.frombuffer(b"".join(parts), WIDTH).reshape(-1, dimension).astype(np.float32, copy=False)


def _from_numbers(made: list[Any], rows: int, dimension: int) -> npt.NDArray[np.float32]:
    if len(made) != rows:  # before anything is made of them: a null is five bytes here, and a vector there
        raise Fault(Kind.DAMAGED, f"{len(made)} vectors came back for {rows} texts")
    nothing = [None] * dimension
    try:
        with np.errstate(over="ignore"):  # a number too large becomes infinite, and that is found later
            vectors = np.array([nothing if each is None else each for each in made], np.float32)
    except (ValueError, TypeError) as error:
        raise Fault(Kind.DAMAGED, f"not vectors of one width: {error}") from error
    if vectors.shape != (rows, dimension):
        raise Fault(Kind.DAMAGED, f"vectors of shape {vectors.shape} came back; {(rows, dimension)} are right")
    return vectors


TEXT = "How many tokens does a router read in this text?"


def check_reading(router: Router, route: Route, tokenizer: Tokenizer, patience: RetryPolicy) -> None:
    """Have a text embedded whose tokens are known, and compare with what the router says it read.

    One that puts a prompt of its own in front of each text says so nowhere else. Its vectors are of other texts, and
    with ``--auto-truncate true``, its default, it cuts in silence what the prompt makes too long.

    Raises:
        ConfigError: It read another number of tokens.
        EngineError: It did not answer in time.
    """
    said = _ask_token_count(router, route, patience)
    ours = int(tokenizer.count([TEXT])[0]) + tokenizer.special_tokens
    if said is not None and said != ours:
        raise ConfigError(
            f"the router at {router.url} reads {said} tokens in a text that has {ours} for its model: start it without "
            "--default-prompt and --default-prompt-name (vecmill puts the prompt in front), and with this model's "
            "tokenizer.json"
        )


def _ask_token_count(router: Router, route: Route, patience: RetryPolicy) -> int | None:
    """Return how many tokens the router read; ``None`` if it does not say."""
    while True:
        try:
            return router.tokens(route.path, route.body([TEXT]))
        except Fault as fault:
            sleep(patience.after(fault))
        except (EmbedError, TooLarge):  # what refuses this text says why when it refuses others
            return None
