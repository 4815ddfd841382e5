"""Plot: ratios as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.results import RESULTS

if TYPE_CHECKING:
    from pathlib import Path


def bars(result: dict[str, Any], title: str, label: str) -> Path:
    """Draw each contender's ratio, with the spread over the rounds; vecmill's bars stand out."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = result["name"]
    from matplotlib import pyplot as plt

    rows = result["rows"]
    names, values = [row["name"] for row in rows], [row["ratio"] for row in rows]
    spread = [
        [v - row["least"] for v, row in zip(values, rows, strict=True)],
        [row["most"] - v for v, row in zip(values, rows, strict=True)],
    ]
    figure, axes = plt.subplots(figsize=(8, 0.6 + 0.34 * len(rows)), layout="constrained")
    colours = ["#c2410c" if name.startswith("vecmill") else "#94a3b8" for name in names]
    drawn = axes.barh(
        names, values, xerr=[[max(0, x) for x in side] for side in spread], color=colours, ecolor="#475569", capsize=2
    )
    axes.bar_label(drawn, [f"{value:.2f}" for value in values], padding=6, fontsize=8)
    axes.set(title=title, xlabel=label)
    axes.set_xlim(0, max(row["most"] for row in rows) * 1.12)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    path = RESULTS / f"{result['name']}.svg"
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    return path
