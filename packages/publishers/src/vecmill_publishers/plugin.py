"""What this package adds to vecmill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vecmill.hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable


@hookimpl
def vecmill_register_publishers(register: Callable[[type[Any]], None]) -> None:
    """Register the publishers."""
    from vecmill_publishers.hub import HubPublisher
    from vecmill_publishers.parquet import ParquetPublisher

    register(ParquetPublisher)
    register(HubPublisher)
