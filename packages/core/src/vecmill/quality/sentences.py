"""Sentences: a report in words, a line for each thing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vecmill.quality.report import SHORT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vecmill.quality.report import Geometry, KnownItems, Lengths, Report
    from vecmill.records import Manifest


def sentences(report: Report) -> Iterator[tuple[str, str]]:
    """Yield a name and what there is to say of it."""
    yield from _account(report.manifest)
    yield from _lengths(report.lengths)
    yield from _geometry(report.geometry, report.manifest.model.dimension)
    if report.known_items is not None:
        yield from _known_items(report.known_items)
    elif report.why_not:
        yield "search", f"not tried: {report.why_not}"


def _account(manifest: Manifest) -> Iterator[tuple[str, str]]:
    account = manifest.account
    embedded, quarantined = account.documents_embedded, account.documents_quarantined
    yield "documents", f"{account.documents_in:,} in = {embedded:,} embedded + {quarantined:,} quarantined"
    for reason, count in manifest.reasons.items():
        yield "", f"{count:,} {reason}"
    truncated = f"{account.truncated_chunks:,} truncated" if account.truncated_chunks else "none truncated"
    yield "chunks", f"{account.chunks:,}, {account.characters:,} characters, {account.tokens:,} tokens, {truncated}"


def _lengths(lengths: Lengths) -> Iterator[tuple[str, str]]:
    yield "", f"{lengths.chunks_per_document:.1f} a document, {lengths.most_chunks:,} at most"
    longest = f"longest {lengths.longest} of {lengths.limit}"
    yield "tokens", f"median {lengths.median}, 95% up to {lengths.p95}, {longest}; {lengths.short:,} under {SHORT}"


def _geometry(geometry: Geometry, dimension: int) -> Iterator[tuple[str, str]]:
    used = f"{geometry.effective_dimensions:.0f} of {dimension} dimensions used"
    yield "vectors", f"mean cosine {geometry.mean_cosine:.2f}, {used}"
    yield "", f"{geometry.twins:,} of {geometry.rows:,} chunks have a twin in another document"


def _known_items(found: KnownItems) -> Iterator[tuple[str, str]]:
    yield "search", f"by {found.by}: {found.hit_1:.0%} come first, {found.hit_10:.0%} in the first ten"
    yield "", f"{found.queries:,} documents, looked for among {found.rows:,} chunks"
