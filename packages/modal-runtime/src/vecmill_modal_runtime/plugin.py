"""What this package adds to vecmill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vecmill import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable


@hookimpl
def vecmill_register_sources(register: Callable[[type[Any] | str], None]) -> None:
    """Register what takes the place of ``hub`` on the Volume."""
    register("vecmill_modal_runtime.hub_files:HubFilesSource")


@hookimpl
def vecmill_register_runtimes(register: Callable[[type[Any] | str], None]) -> None:
    """Register the Modal runtime."""
    register("vecmill_modal_runtime.runtime:ModalRuntime")
