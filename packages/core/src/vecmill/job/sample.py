"""Sample: a part of the corpus, chunked as the run would chunk it."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from vecmill.chunking.render import prefix
from vecmill.records import Document
from vecmill.sources.corpus import Corpus
from vecmill.worker.rows import documents
from vecmill.worker.spans import cut
from vecmill.worker.window import Window

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from vecmill.protocols import Chunker, Source, Tokenizer
    from vecmill.records import Partition

PIECES = 24
PIECE_BYTES = 500_000
TEXTS = 20_000
"""Chunks that are kept to time an embedder with."""


@dataclass(slots=True)
class Piece:
    """Counts of one partition."""

    bytes: int
    documents: int = 0
    characters: int = 0
    chunks: int = 0
    tokens: int = 0


@dataclass(slots=True)
class Sample:
    """Counts of some partitions of a source, and what they say of all of it.

    Attributes:
        source_bytes: Text in the whole source.
        pieces: One for each partition that was read.
        whole: Whether those are all there are.
        texts: Chunks as they would be embedded, at most ``TEXTS``.
        tokens: Tokens of each.
    """

    source_bytes: int
    pieces: list[Piece]
    whole: bool
    texts: list[str] = field(default_factory=list)
    tokens: list[npt.NDArray[np.int64]] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        """Text that was read."""
        return sum(piece.bytes for piece in self.pieces)

    def total(self, name: str) -> int:
        """Return a count for the whole source, in proportion to its text."""
        counted = sum(getattr(piece, name) for piece in self.pieces)
        return int(counted if self.whole else round(counted * self.source_bytes / max(1, self.bytes)))

    def spread(self, name: str) -> float:
        """Return half the width of the 95% interval of ``total``, as a share of it."""
        rates: list[float] = [getattr(piece, name) / max(1, piece.bytes) for piece in self.pieces]
        if self.whole or len(rates) < 2 or not any(rates):  # noqa: PLR2004 - one alone has no deviation
            return 0.0
        return 1.96 * statistics.stdev(rates) / math.sqrt(len(rates)) / statistics.fmean(rates)


def sample(source: Source[Any], chunker: Chunker[Any], tokenizer: Tokenizer) -> Sample:
    """Read partitions from all over the source: every one of a small corpus, some of a large one."""
    corpus = Corpus(source)
    partitions = list(corpus.partitions(PIECE_BYTES))
    chosen = _spread(partitions)
    found = Sample(sum(part.bytes for part in partitions), [], whole=len(chosen) == len(partitions))
    for partition in chosen:
        found.pieces.append(_piece(found, corpus, partition, chunker, tokenizer))
    return found


def _spread(partitions: Sequence[Partition]) -> Sequence[Partition]:
    """Take ``PIECES`` at equal distances."""
    if len(partitions) <= PIECES:
        return partitions
    return [partitions[(2 * i + 1) * len(partitions) // (2 * PIECES)] for i in range(PIECES)]


def _piece(found: Sample, corpus: Corpus, partition: Partition, chunker: Chunker[Any], tokenizer: Tokenizer) -> Piece:
    window, piece = Window(), Piece(partition.bytes)
    for batch in corpus.read(partition):
        for row, document in enumerate(documents(batch, tokenizer)):
            piece.documents += 1
            if isinstance(document, Document):
                window.add(document, row, cut(chunker, document), prefix(chunker, document))
    tokens = window.tokens(tokenizer)
    piece.chunks, piece.tokens = len(window), int(tokens.sum())
    piece.characters = int((window.ends - window.starts).sum())
    if len(found.texts) < TEXTS:
        found.texts += window.embedded_texts(np.arange(len(window)))
        found.tokens.append(tokens)
    return piece
