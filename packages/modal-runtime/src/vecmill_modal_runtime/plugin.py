"""What this package adds to vecmill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vecmill import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable


@hookimpl
def vecmill_register_sources(register: Callable[[type[Any] | str], None]) -> None:
    """Register what replaces ``hub`` on the Volume."""
    register("vecmill_modal_runtime.hub_files:HubFilesSource")


@hookimpl
def vecmill_register_runtimes(register: Callable[[type[Any] | str], None]) -> None:
    """Register what does shards in containers."""
    register("vecmill_modal_runtime.runtime:ModalRuntime")


@hookimpl
def vecmill_register_launchers(register: Callable[[type[Any] | str], None]) -> None:
    """Register what takes a job of this machine to Modal."""
    register("vecmill_modal_runtime.launcher:ModalLauncher")
