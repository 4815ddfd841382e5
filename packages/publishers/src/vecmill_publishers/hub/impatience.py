"""Impatience: a worker does not wait for a busy Hub, for its GPU is paid for meanwhile."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

from huggingface_hub.utils import get_session  # type: ignore[attr-defined]

from vecmill.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Iterator

BUSY = frozenset({429, 503})
"""What the Hub answers when it wants to be asked later; its client would wait as long as it says, and ask again."""
WRITING = frozenset({"POST", "PUT"})
_impatient = 0
_lock = threading.Lock()


@contextlib.contextmanager
def refuse_to_wait() -> Iterator[None]:
    """End an upload at the first answer that the Hub is busy.

    Raises:
        PublishError: It is.
    """
    global _impatient  # noqa: PLW0603 - the client is one for the whole process, and sends from threads of its own
    hooks = get_session().event_hooks["response"]
    with _lock:
        _impatient += 1
        if _refuse not in hooks:
            hooks.append(_refuse)
    try:
        yield
    finally:
        with _lock:
            _impatient -= 1


def _refuse(answer: Any) -> None:  # noqa: ANN401 - of httpx or httpx2, which share no name
    if _impatient and answer.request.method in WRITING and answer.status_code in BUSY:
        raise PublishError(f"the Hub is busy ({answer.status_code}), and a worker does not wait for it")
