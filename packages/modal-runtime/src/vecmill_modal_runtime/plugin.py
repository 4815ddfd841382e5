"""What this package adds to vecmill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vecmill.hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable


@hookimpl
def vecmill_register_sources(register: Callable[[type[Any]], None]) -> None:
    """Register what takes the place of ``hub`` on the Volume."""
    from vecmill_modal_runtime.hub_files import HubFilesSource

    register(HubFilesSource)


@hookimpl
def vecmill_register_runtimes(register: Callable[[type[Any]], None]) -> None:
    """Register the Modal runtime."""
    from vecmill_modal_runtime.runtime import ModalRuntime

    register(ModalRuntime)
