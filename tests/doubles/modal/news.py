"""News: whoever waits for something hears that something happened, and looks again."""

from __future__ import annotations

import asyncio
import contextlib


class News:
    """Wakes all who wait."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def tell(self) -> None:
        """Wake them."""
        self._next.set()
        self._next = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Return when there is news, or after so long."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._next.wait(), seconds)
