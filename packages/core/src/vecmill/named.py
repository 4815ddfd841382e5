"""named: an error that is not ours, told with the name of the plugin that it came from."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from vecmill.errors import VecmillError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def named(what: str, kind: type[VecmillError], advice: str) -> Iterator[None]:
    """Raise an error of ours where a plugin raises one of its own, or of a library.

    What is ours already passes as it is; so do a lack of memory, which is nobody's fault, and an interrupt.

    Args:
        what: Which plugin failed, and at what.
        kind: The error to raise.
        advice: What to do.
    """
    try:
        yield
    except (VecmillError, MemoryError):
        raise
    except Exception as error:
        raise kind(f"{what}: {type(error).__name__}: {error}. {advice}") from error
