"""What this package adds to vecmill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vecmill import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable


@hookimpl
def vecmill_register_publishers(register: Callable[[type[Any] | str], None]) -> None:
    """Register the publishers."""
    register("vecmill_publishers.parquet:ParquetPublisher")
    register("vecmill_publishers.hub.publisher:HubPublisher")
