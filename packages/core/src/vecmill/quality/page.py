"""Page: a report as one HTML file that needs nothing else. Whatever comes from the dataset is escaped."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from vecmill.display import printable
from vecmill.quality.chart import histogram
from vecmill.quality.sentences import sentences

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vecmill.quality.report import Lengths, Report
    from vecmill.records import Manifest

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


def page(report: Report) -> str:
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
    yield _table((name, line) for name, line in sentences(report))
    yield "<h2>Chunks by length, in tokens</h2>"
    yield _lengths(report.lengths)
    yield "<h2>Cosine with the nearest chunk of another document</h2>"
    marks = [(share / 5, f"{share / 5:.1f}") for share in range(6)]
    yield histogram(report.geometry.nearest, marks, "Histogram of the cosine with the nearest chunk")
    yield f'<p class="soft">A sample of {report.geometry.rows:,} chunks. At the right end are texts that repeat.</p>'
    if report.known_items is not None and report.known_items.missed:
        yield f"<h2>Not found by {escape(report.known_items.by)}</h2>"
        yield f"<ul>{''.join(f'<li>{escape(name)}</li>' for name in report.known_items.missed)}</ul>"
    yield "<h2>How it was made</h2>"
    yield _table(_recipe(manifest))


def _lengths(lengths: Lengths) -> str:
    span = lengths.width * len(lengths.counts)
    marks = [(i / 4, f"{i * span // 4:,}") for i in range(5)]
    return histogram(lengths.counts, marks, "Histogram of chunk lengths")


def _recipe(manifest: Manifest) -> Iterator[tuple[str, str]]:
    model = manifest.model
    yield "model", f"{model.id} at {model.revision}"
    yield "vectors", f"{model.dimension} dimensions, {model.pooling} pooling"
    for kind in ("source", "chunker", "embedder"):
        options = {key: value for key, value in manifest.recipe[kind].items() if value not in (None, {}, [])}
        yield kind, ", ".join(f"{key} = {value}" for key, value in options.items())
    yield "vecmill", manifest.vecmill


def _table(rows: Iterable[tuple[str, str]]) -> str:
    cells = (f"<tr><th>{escape(name)}</th><td>{escape(line)}</td></tr>" for name, line in rows)
    return f"<table>{''.join(cells)}</table>"
