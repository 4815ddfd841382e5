"""Report: what was measured of a dataset."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from vecmill.records import Manifest, Similarity

SHORT = 16
"""Tokens; a chunk of fewer says little."""
TWIN = 0.999
"""The cosine from which two chunks count as the same."""


class Lengths(BaseModel):
    """How long the chunks are, in tokens of the model; every row is counted.

    Attributes:
        counts: Chunks by length, in ``bins`` of ``width`` tokens from 0.
        short: Chunks of fewer than ``SHORT`` tokens: fragments that say little.
        limit: The most tokens the model takes.
    """

    model_config = ConfigDict(frozen=True)

    width: int
    counts: list[int]
    median: int
    p95: int
    longest: int
    short: int
    limit: int
    chunks_per_document: float
    most_chunks: int


class Geometry(BaseModel):
    """How the vectors lie, from a sample of them.

    Attributes:
        rows: Size of the sample.
        mean_cosine: Of two chunks drawn at random. Near 1, all of them look alike and scores tell little.
        effective_dimensions: Of how many dimensions of equal variance the spread would be: the participation
            ratio of the covariance's eigenvalues.
        twins: Chunks whose nearest neighbour in another document has a cosine over ``TWIN``: mostly the same text.
        nearest: Histogram of the cosine of each chunk with its nearest neighbour in another document, in 20 bins
            from 0 to 1.
    """

    model_config = ConfigDict(frozen=True)

    rows: int
    mean_cosine: float
    effective_dimensions: float
    twins: int
    nearest: list[int]


class KnownItems(BaseModel):
    """Whether documents are found by what they are called.

    Attributes:
        queries: Documents that were looked for.
        by: What was asked: their ``title``, or the ``first words`` of a chunk where there are no titles.
        rows: Chunks that were searched.
        similarity: By what they were ranked, as ``vecmill search`` ranks them.
        hit_1: Share of documents of which the best chunk is theirs.
        hit_10: Share with a chunk among the best ten.
        mrr: Mean of 1 / rank of the first chunk of theirs, 0 where it is not among the best ten.
        missed: Some that were not found among the best ten.
    """

    model_config = ConfigDict(frozen=True)

    queries: int
    by: str
    rows: int
    similarity: Similarity
    hit_1: float
    hit_10: float
    mrr: float
    missed: list[str]


class Report(BaseModel):
    """What is known of a dataset, and what was measured.

    Attributes:
        known_items: None where the dataset's model cannot be run here; ``why_not`` says why.
    """

    model_config = ConfigDict(frozen=True)

    path: str
    manifest: Manifest
    lengths: Lengths
    geometry: Geometry
    known_items: KnownItems | None
    why_not: str | None = None
