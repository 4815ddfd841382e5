"""Errors: what an answer without vectors means."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import orjson

from vecmill.errors import ConfigError, EmbedError, EngineError

if TYPE_CHECKING:
    import httpx2

SHOWN = 300
"""Characters of an answer that an error quotes."""


class Kind(Enum):
    """Why it is worth trying again."""

    BUSY = "the router has no room"
    AWAY = "the router is not there"
    DISCONNECTED = "the connection broke"
    FAILED = "the model failed"
    DAMAGED = "the answer makes no sense"


ABOUT_THE_TEXTS = frozenset({Kind.FAILED, Kind.DAMAGED})
"""The router answered, and answered the same again: other texts may do better, so the request is sent in parts."""


class RetryableError(Exception):
    """A request that may succeed the next time. It never leaves this package: in the end it is an ``EngineError``."""

    def __init__(self, kind: Kind, detail: str) -> None:
        super().__init__(f"{kind.value}: {detail}")
        self.kind = kind


class TooLargeError(Exception):
    """A request that may succeed in two halves. It never leaves this package: in the end it is an ``EmbedError``."""


class InvalidTextError(EmbedError):
    """The router read the texts and refuses one of them."""


def check_status(response: httpx2.Response) -> None:
    """Return if the answer brings what was asked for.

    Raises:
        RetryableError: Trying again may help.
        TooLargeError: Smaller requests may help.
        EmbedError: The router refuses one of the texts.
        ConfigError: The address or the key is wrong.
        EngineError: It is an answer that no router gives.
    """
    status = response.status_code
    if status == 200:  # noqa: PLR2004 - the one good one
        return
    answer = f"{status} {quote(response.content)}".strip()
    match status:
        case 429:
            raise RetryableError(Kind.BUSY, answer)
        case 502 | 503 | 504:
            raise RetryableError(Kind.AWAY, answer)
        case 424 | 500:
            raise RetryableError(Kind.FAILED, answer)
        case 413:
            raise TooLargeError(f"the router takes no request of this size ({answer}): raise its --payload-limit")
        case 422:
            raise InvalidTextError(f"the router refused it: {answer}")
        case 400:
            raise EmbedError(f"the router refused it: {answer}")
        case 401 | 403:
            raise ConfigError(
                f"the router at {response.url.host} wants another key ({answer}): "
                "put it into the environment variable VECMILL_TEI_API_KEY"
            )
        case 404 | 405:
            raise ConfigError(
                f"{response.url} is not there ({answer}): correct embedder.url or embedder.served_model, or "
                "choose another embedder.route"
            )
    raise EngineError(
        f"{response.url} answered {answer}, which is not an answer of a router: do what it says, or correct "
        "embedder.url"
    )


def quote(content: bytes) -> str:
    """Return the router's own message: each of its routes has another shape of error."""
    try:
        answer = orjson.loads(content)
        error = answer.get("error") or answer.get("message") or answer
        text = str(error.get("message") or error) if isinstance(error, dict) else str(error)
    except (ValueError, AttributeError):
        text = content.decode(errors="replace")
    return text[:SHOWN]
