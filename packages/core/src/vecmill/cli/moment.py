"""Moment: whether an interrupt may be raised where the main thread is just now.

Between a lock that was taken and the block that gives it back there is an instant, in Python 3.14 in every ``with``.
An interrupt raised in it leaves the lock taken, and whoever wants it waits for ever: a progress display, say, which the
command waits for at its end. One instruction later all is well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FrameType

LONGEST_CALL = 14
"""Bytes from a call to the instruction after it, at most; how many there are differs between versions of Python."""
FIRST_STEP = 8
"""Bytes at the beginning of a function in which it has done nothing yet."""


def fits(frame: FrameType | None) -> bool:
    """Whether the code of a frame is neither about to enter a block that will tidy up, nor to leave one."""
    if frame is None:
        return True
    code, at = frame.f_code, frame.f_lasti
    enters = code.co_name == "__enter__" or any(0 < start - at <= LONGEST_CALL for start in _tried(code))
    return not enters and not (code.co_name == "__exit__" and at < FIRST_STEP)


def _tried(code: CodeType) -> set[int]:
    """Return where the blocks of a function begin that tidy up after themselves, in bytes."""
    # As CPython's exceptionhandling.md has it: for each part its start, its length, its handler, and what matters not
    # here. A part that starts with a handler is the tidying up itself.
    numbers = list(_numbers(code.co_exceptiontable))
    return {2 * start for start in set(numbers[::4]) - set(numbers[2::4])}


def _numbers(table: bytes) -> Iterator[int]:
    """Yield the numbers of an exception table; each has six bits in a byte, and a seventh where more follow."""
    number = 0
    for byte in table:
        number = number << 6 | byte & 0x3F
        if not byte & 0x40:
            yield number
            number = 0
