"""Report: what was measured of a dataset, in lines and as one HTML file with its charts."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from vecmill.records import Manifest, Similarity
from vecmill.sanitize import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


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
        mean_cosine: Of two chunks drawn at random. Near 1, all of them are alike and scores say little.
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
        queries: Documents that were searched for.
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


WIDTH, HEIGHT, FOOT = 640, 180, 24


def draw_histogram(counts: Sequence[int], marks: Sequence[tuple[float, str]], label: str) -> str:
    """Draw bars of equal width.

    Args:
        counts: One for each bar.
        marks: Labels under the bars, each with its position from 0 to 1.
        label: What a screen reader reads.
    """
    step, top = WIDTH / len(counts), max([*counts, 1])
    bars = "".join(_bar(i * step, step, count / top, count) for i, count in enumerate(counts) if count)
    names = "".join(_mark(position * WIDTH, text) for position, text in marks)
    axis = f'<line class="axis" x1="0" x2="{WIDTH}" y1="{HEIGHT}" y2="{HEIGHT}"/>'
    box = f"-12 -6 {WIDTH + 24} {HEIGHT + FOOT + 6}"
    return f'<svg viewBox="{box}" role="img" aria-label="{escape(label)}">{bars}{axis}{names}</svg>'


def _bar(x: float, step: float, share: float, count: int) -> str:
    height = max(1.0, share * HEIGHT)
    position = f'x="{x + 1:.1f}" y="{HEIGHT - height:.1f}" width="{step - 2:.1f}" height="{height:.1f}"'
    return f"<rect {position}><title>{count:,}</title></rect>"


def _mark(x: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{HEIGHT + 18}" text-anchor="middle">{escape(text)}</text>'


def format_lines(report: Report) -> Iterator[tuple[str, str]]:
    """Yield a name and what there is to say of it."""
    yield from _account(report.manifest)
    yield from _describe_lengths(report.lengths)
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


def _describe_lengths(lengths: Lengths) -> Iterator[tuple[str, str]]:
    yield "", f"{lengths.chunks_per_document:.1f} a document, {lengths.most_chunks:,} at most"
    longest = f"longest {lengths.longest} of {lengths.limit}"
    yield "tokens", f"median {lengths.median}, 95% up to {lengths.p95}, {longest}; {lengths.short:,} under {SHORT}"


def _geometry(geometry: Geometry, dimension: int) -> Iterator[tuple[str, str]]:
    used = f"{geometry.effective_dimensions:.0f} of {dimension} dimensions used"
    yield "vectors", f"mean cosine {geometry.mean_cosine:.2f}, {used}"
    yield "", f"{geometry.twins:,} of {geometry.rows:,} chunks have a twin in another document"


def _known_items(found: KnownItems) -> Iterator[tuple[str, str]]:
    yield "search", f"by {found.by}: {found.hit_1:.0%} come first, {found.hit_10:.0%} in the first ten"
    yield "", f"{found.queries:,} documents, looked for among {found.rows:,} chunks, compared by {found.similarity}"


STYLE = """
:root { color-scheme: light dark; --ink: #1d2733; --soft: #5c6b7a; --line: #d8dee5; --bar: #2f6f9f; --paper: #fff }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e9ee; --soft: #9aa8b5; --line: #36414c; --bar: #6fb1de; --paper: #14191e }
}
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
       max-width: 44rem; margin: 3rem auto; padding: 0 1.25rem }
h1 { font-size: 1.5rem; overflow-wrap: anywhere; margin-bottom: .25rem }
h2 { font-size: 1.1rem; margin: 2.5rem 0 .5rem }
p, td, th { overflow-wrap: anywhere }
.soft, th, text { color: var(--soft); fill: var(--soft) }
table { border-collapse: collapse; width: 100% }
td, th { text-align: left; vertical-align: top; padding: .35rem 1rem .35rem 0; border-top: 1px solid var(--line) }
th { font-weight: normal; width: 8rem }
th:empty, th:empty + td { border-top: 0; padding-top: 0 }
svg { width: 100%; height: auto; margin: .5rem 0 }
svg rect { fill: var(--bar) } svg text { font-size: 12px } svg .axis { stroke: var(--line) }
"""


def escape(text: str) -> str:
    """Return a text as HTML shows it, whatever it is: no tag, and nothing that turns or breaks a line."""
    return html.escape(printable(text))


def format_page(report: Report) -> str:
    """Write the page."""
    title = f"{report.path}: report"
    return "\n".join([*_head(title), *_body(report), "</body>", "</html>", ""])


def _head(title: str) -> Iterator[str]:
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    # The page loads nothing and runs nothing, whatever the dataset holds.
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>"


def _body(report: Report) -> Iterator[str]:
    manifest = report.manifest
    yield f"<h1>{escape(report.path)}</h1>"
    yield f'<p class="soft">Run {escape(manifest.run_id)}, finished {escape(manifest.timing.finished[:16])} UTC</p>'
    yield _table((name, line) for name, line in format_lines(report))
    yield "<h2>Chunks by length, in tokens</h2>"
    yield _render_lengths(report.lengths)
    yield "<h2>Cosine with the nearest chunk of another document</h2>"
    marks = [(share / 5, f"{share / 5:.1f}") for share in range(6)]
    yield draw_histogram(report.geometry.nearest, marks, "Histogram of the cosine with the nearest chunk")
    yield f'<p class="soft">A sample of {report.geometry.rows:,} chunks. At the right end are texts that repeat.</p>'
    if report.known_items is not None and report.known_items.missed:
        yield f"<h2>Not found by {escape(report.known_items.by)}</h2>"
        yield f"<ul>{''.join(f'<li>{escape(name)}</li>' for name in report.known_items.missed)}</ul>"
    yield "<h2>How it was made</h2>"
    yield _table(_recipe(manifest))


def _render_lengths(lengths: Lengths) -> str:
    span = lengths.width * len(lengths.counts)
    marks = [(i / 4, f"{i * span // 4:,}") for i in range(5)]
    return draw_histogram(lengths.counts, marks, "Histogram of chunk lengths")


def _recipe(manifest: Manifest) -> Iterator[tuple[str, str]]:
    model = manifest.model
    yield "model", f"{model.id} at {model.revision}"
    yield "vectors", f"{model.dimension} dimensions, {model.pooling} pooling, compared by {model.output.similarity}"
    for kind in ("source", "chunker", "embedder"):
        options = {key: value for key, value in manifest.recipe[kind].items() if value not in (None, {}, [])}
        yield kind, ", ".join(f"{key} = {value}" for key, value in options.items())
    yield "vecmill", manifest.vecmill


def _table(rows: Iterable[tuple[str, str]]) -> str:
    cells = (f"<tr><th>{escape(name)}</th><td>{escape(line)}</td></tr>" for name, line in rows)
    return f"<table>{''.join(cells)}</table>"
