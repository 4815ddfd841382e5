"""The stand-ins as a plugin, installed for the life of a process."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from vecmill.__about__ import __version__
from vecmill.hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable


@hookimpl
def vecmill_register_embedders(register: Callable[[type[Any]], None]) -> None:
    """Register ``hash``."""
    from vecmill.testing.stand_ins import HashEmbedder

    register(HashEmbedder)


@hookimpl
def vecmill_register_runtimes(register: Callable[[type[Any]], None]) -> None:
    """Register ``inline``."""
    from vecmill.testing.stand_ins import InlineRuntime

    register(InlineRuntime)


def install() -> None:
    """Make the embedder ``hash`` and the runtime ``inline`` known in this process."""
    from vecmill.plugins import load

    if "vecmill-testing" not in load().loaded:
        load().add(sys.modules[__name__], "vecmill-testing", f"vecmill {__version__}")
