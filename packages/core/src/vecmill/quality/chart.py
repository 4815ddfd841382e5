"""Chart: a histogram as SVG, drawn with the page's own colours."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT, FOOT = 640, 180, 24


def histogram(counts: Sequence[int], marks: Sequence[tuple[float, str]], label: str) -> str:
    """Draw bars of equal width.

    Args:
        counts: One for each bar.
        marks: Labels under the bars, each with its place from 0 to 1.
        label: What a reader who cannot see it is told.
    """
    step, top = WIDTH / len(counts), max([*counts, 1])
    bars = "".join(_bar(i * step, step, count / top, count) for i, count in enumerate(counts) if count)
    names = "".join(_mark(place * WIDTH, text) for place, text in marks)
    axis = f'<line class="axis" x1="0" x2="{WIDTH}" y1="{HEIGHT}" y2="{HEIGHT}"/>'
    box = f"-12 -6 {WIDTH + 24} {HEIGHT + FOOT + 6}"
    return f'<svg viewBox="{box}" role="img" aria-label="{escape(label)}">{bars}{axis}{names}</svg>'


def _bar(x: float, step: float, share: float, count: int) -> str:
    height = max(1.0, share * HEIGHT)
    place = f'x="{x + 1:.1f}" y="{HEIGHT - height:.1f}" width="{step - 2:.1f}" height="{height:.1f}"'
    return f"<rect {place}><title>{count:,}</title></rect>"


def _mark(x: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{HEIGHT + 18}" text-anchor="middle">{escape(text)}</text>'
