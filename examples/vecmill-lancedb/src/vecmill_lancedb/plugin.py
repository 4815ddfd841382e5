"""What this package adds to vecmill. The entry point names this module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vecmill import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable


@hookimpl
def vecmill_register_publishers(register: Callable[[type[Any]], None]) -> None:
    """Register the publisher."""
    from vecmill_lancedb.publisher import LanceDBPublisher

    register(LanceDBPublisher)
