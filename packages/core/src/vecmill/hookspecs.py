"""The hooks a plugin can implement, all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from collections.abc import Callable

    from vecmill.protocols import Chunker, Embedder, Launcher, Publisher, Runtime, Source
    from vecmill.records import RunEvent

hookspec = pluggy.HookspecMarker("vecmill")
hookimpl = pluggy.HookimplMarker("vecmill")


@hookspec
def vecmill_register_sources(register: Callable[[type[Source[Any]] | str], None]) -> None:
    """Call ``register`` with each source class, or with its path as ``"module:Class"``."""


@hookspec
def vecmill_register_chunkers(register: Callable[[type[Chunker[Any]] | str], None]) -> None:
    """Call ``register`` with each chunker class, or with its path as ``"module:Class"``."""


@hookspec
def vecmill_register_embedders(register: Callable[[type[Embedder[Any]] | str], None]) -> None:
    """Call ``register`` with each embedder class, or with its path as ``"module:Class"``."""


@hookspec
def vecmill_register_runtimes(register: Callable[[type[Runtime[Any]] | str], None]) -> None:
    """Call ``register`` with each runtime class, or with its path as ``"module:Class"``."""


@hookspec
def vecmill_register_launchers(register: Callable[[type[Launcher[Any]] | str], None]) -> None:
    """Call ``register`` with each launcher class, or with its path as ``"module:Class"``."""


@hookspec
def vecmill_register_publishers(register: Callable[[type[Publisher[Any]] | str], None]) -> None:
    """Call ``register`` with each publisher class, or with its path as ``"module:Class"``."""


@hookspec
def vecmill_run_event(event: RunEvent) -> None:
    """Observe a run: progress, finished shards, the end."""
