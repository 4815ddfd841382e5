"""The components that come with the core. They go through the same hooks as everybody's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vecmill.hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable

BATCHING = ("vecmill.chunking.packing:FixedBatching", "vecmill.chunking.packing:TokenBudgetBatching")
"""No plugin can bring another: there is no hook for it."""


@hookimpl
def vecmill_register_sources(register: Callable[[type[Any] | str], None]) -> None:
    """Register the built-in sources."""
    register("vecmill.sources.files_source:CsvSource")
    register("vecmill.sources.hub:HubSource")
    register("vecmill.sources.files_source:JsonlSource")
    register("vecmill.sources.files_source:ParquetSource")
    register("vecmill.sources.pydoc:PydocSource")
    register("vecmill.sources.saved:SavedSource")


@hookimpl
def vecmill_register_chunkers(register: Callable[[type[Any] | str], None]) -> None:
    """Register the built-in chunkers."""
    register("vecmill.chunking.windows:CharactersChunker")
    register("vecmill.chunking.paragraphs:ParagraphsChunker")
    register("vecmill.chunking.windows:TokensChunker")


@hookimpl
def vecmill_register_embedders(register: Callable[[type[Any] | str], None]) -> None:
    """Register the built-in embedder: the others bring an engine and come in packages of their own."""
    register("vecmill.tei.embedder:TeiEmbedder")
