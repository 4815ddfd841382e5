"""Answer: what a container returns to a command: what it made, or the error that is the command's to tell.

Raised in the container, an expected error would be shown with a traceback of the container's insides, in its log.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, TypeVar

from vecmill.errors import VecmillError
from vecmill.redaction import redacted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")


def answer(work: Callable[[], T]) -> T | VecmillError:
    """Do something in a container; return what comes of it, be it an error that vecmill raised on purpose."""
    try:
        return work()
    except VecmillError as error:
        # Here, for the secrets of a container are not those of the laptop.
        return type(error)(redacted(str(error)))


def heard(answer: T | VecmillError) -> T:
    """Return what a container made, or raise its error here."""
    if isinstance(answer, VecmillError):
        raise answer
    return answer


@contextlib.contextmanager
def told() -> Iterator[None]:
    """End a command of Modal's as vecmill's own end: an expected error is one message, with its exit code."""
    try:
        yield
    except VecmillError as error:
        print(f"vecmill: {error}", file=sys.stderr)  # noqa: T201 - a command's last word
        raise SystemExit(error.exit_code) from None
