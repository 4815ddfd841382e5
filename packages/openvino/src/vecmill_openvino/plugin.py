"""What this package adds to vecmill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vecmill import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable


@hookimpl
def vecmill_register_embedders(register: Callable[[type[Any] | str], None]) -> None:
    """Register the CPU embedder."""
    register("vecmill_openvino.embedder:OpenVinoEmbedder")
