"""Table: results as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


def markdown(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a table; all columns but the first are of numbers."""
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def number(value: float | None) -> str:
    """Return a number with three figures that count, and more where it is close to 1."""
    if value is None:
        return "-"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if 0.9 < value < 1:
        return f"{value:.5f}".rstrip("0")
    return f"{value:.3g}" if abs(value) >= 1 else f"{value:.2f}"


def contenders(result: dict[str, Any], unit: str, more: dict[str, str]) -> str:
    """Return the table of a result: rate and ratio of each contender, and more columns by their keys."""
    columns = ["", unit, "ratio (min-max)", *more]
    rows = [
        [
            f"**{row['name']}**" if row["name"].startswith("vecmill") else row["name"],
            number(row["rate"]),
            f"{row['ratio']:.2f} ({row['least']:.2f}-{row['most']:.2f})",
            *(_cell(row.get(key)) for key in more.values()),
        ]
        for row in result["rows"]
    ]
    notes = [
        f"\nNot measured: {name} ({reason.splitlines()[0][:160]})." for name, reason in result["unavailable"].items()
    ]
    return markdown(columns, rows) + "".join(f"\n{note}" for note in notes)


def targets(result: dict[str, Any]) -> str:
    """Return the table of a result's targets."""
    rows = [
        [
            each["claim"],
            number(each["value"]),
            f"{'≤' if each['most'] else '≥'} {number(each['wanted'])}",
            "yes" if each["met"] else "**no**",
        ]
        for each in result["targets"]
    ]
    return markdown(["target", "found", "wanted", "met"], rows)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number(value)
    return "-" if value is None else str(value)


def searches(result: dict[str, Any]) -> str:
    """Return the table of what was opened and searched."""
    rows = [[row["name"], number(row["opening"]), number(row["seconds"])] for row in result["rows"]]
    return markdown(["", "opening, s", "a search, s"], rows)


def peaks(result: dict[str, Any]) -> str:
    """Return the table of peak memory by size of the corpus."""
    rows = [
        [row["model"], f"{row['chunks']:,}", number(row["worker"]), number(row["driver"])] for row in result["rows"]
    ]
    return markdown(["model", "chunks", "worker, MB", "driver, MB"], rows)


def plain(result: dict[str, Any], columns: dict[str, str]) -> str:
    """Return a table of names and the numbers under these keys."""
    rows = [[row["name"], *(number(row[key]) for key in columns.values())] for row in result["rows"]]
    return markdown(["", *columns], rows)


def steps(result: dict[str, Any]) -> str:
    """Return the table of the steps of a worker's own work, by chunker."""
    columns = ["characters", "paragraphs"]
    rows = [
        # A chunker that counts as it cuts leaves nothing to count.
        [row["name"], *(f"{row[column]:.1f}" if row[column] > 0.05 else "with cutting" for column in columns)]
        for row in result["rows"]
    ]
    return markdown(["step, µs of one processor a chunk", *(f"`{column}`" for column in columns)], rows)


def exact(result: dict[str, Any]) -> str:
    """Return the table of least cosines, with all their figures, by kind of text."""
    columns = result["about"]["columns"]
    rows = [[row["name"], *(row[column] for column in columns)] for row in result["rows"]]
    return markdown(["least cosine to f32", *columns], rows)


def machine(result: dict[str, Any]) -> str:
    """Say in a line what a result was seen on."""
    on = result["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in on["versions"].items())
    noun = "processor" if on["processors"] == 1 else "processors"
    features = ", ".join(on["features"]) or "none that matter here"
    return (
        f"{on.get('date', 'Undated')}, {on['processors']} {noun} ({on['processor']}, {on['family']}; {features}), "
        f"{on['system']}, load {on['load']} after the run; Python {on['python']}, {versions}."
    )


def scaling(result: dict[str, Any]) -> str:
    """Return the table of simulated efficiency: vecmill's driver, and one that carries every vector."""
    rows = [[f"{row['containers']:,}", f"{row['vecmill']:.0%}", f"{row['carried']:.0%}"] for row in result["scaling"]]
    return markdown(["containers", "vecmill", "every vector through the driver"], rows)
