"""Faults: what an answer of the router means when it brings no vectors."""

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
