"""The components that come with the core. They go through the same hooks as everybody's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vecmill.hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable


@hookimpl
def vecmill_register_sources(register: Callable[[type[Any]], None]) -> None:
    """Register the built-in sources."""
    from vecmill.sources.csv import CsvSource
    from vecmill.sources.hub import HubSource
    from vecmill.sources.jsonl import JsonlSource
    from vecmill.sources.parquet import ParquetSource
    from vecmill.sources.pydoc import PydocSource
    from vecmill.sources.saved import SavedSource

    for source in (CsvSource, HubSource, JsonlSource, ParquetSource, PydocSource, SavedSource):
        register(source)


@hookimpl
def vecmill_register_chunkers(register: Callable[[type[Any]], None]) -> None:
    """Register the built-in chunkers."""
    from vecmill.chunking.characters import CharactersChunker
    from vecmill.chunking.paragraphs import ParagraphsChunker
    from vecmill.chunking.tokens import TokensChunker

    for chunker in (CharactersChunker, ParagraphsChunker, TokensChunker):
        register(chunker)


@hookimpl
def vecmill_register_embedders(register: Callable[[type[Any]], None]) -> None:
    """Register the built-in embedder: the others bring an engine and come in packages of their own."""
    from vecmill.tei.embedder import TeiEmbedder

    register(TeiEmbedder)
