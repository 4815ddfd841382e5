"""Answer: what a container returns to a command: what it made, or the error that is the command's to tell.

Raised in the container, an expected error would be shown with a traceback of the container's insides, in its log.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, TypeVar

import modal

from vecmill.cli.text import printable
from vecmill.errors import ConfigError, RunError, VecmillError
from vecmill.redaction import redacted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")


def answer(work: Callable[[], T]) -> T | VecmillError:
    """Do something in a container; return what comes of it, be it an expected error, of vecmill or of Modal."""
    try:
        with understood():
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
        with understood():
            yield
    except VecmillError as error:
        print(f"vecmill: {printable(str(error))}", file=sys.stderr)  # noqa: T201 - a command's last word
        raise SystemExit(error.exit_code) from None


@contextlib.contextmanager
def understood() -> Iterator[None]:
    """Turn what Modal's client raises into errors of ours.

    Raises:
        ConfigError: Modal does not know this machine.
        RunError: It could not do what it was asked for, or not within its time.
    """
    try:
        yield
    except modal.exception.AuthError as error:
        raise ConfigError(f"Modal does not know this machine ({error}): `modal setup` makes a token") from error
    except modal.exception.Error as error:
        raise RunError(
            f"Modal could not run it: {type(error).__name__}: {error}. What is done is kept: the same command goes on"
        ) from error
