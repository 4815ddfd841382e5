"""Results: what a measurement leaves, as JSON, a table and a picture."""

from __future__ import annotations

import json
import statistics
from typing import TYPE_CHECKING, Any

from bench.contender import HERE
from bench.machine import describe

if TYPE_CHECKING:
    from pathlib import Path

    from bench.rounds import Rounds

RESULTS = HERE / "results"


def rows(
    rounds: Rounds, reference: str, clock: str, work: float, extra: dict[str, dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return a row for each contender, the slowest first.

    Args:
        rounds: What was measured.
        reference: The contender that the others' ratios are to.
        clock: ``wall`` or ``cpu``.
        work: How much was done in a round, in the unit of the rates.
        extra: More columns of each.
    """
    made = []
    for name in sorted(rounds.taken, key=lambda name: -rounds.median(name, clock)):
        ratios = rounds.ratios(reference, name, clock)
        row = {
            "name": name,
            "rate": round(work / rounds.median(name, clock), 3),
            "ratio": round(statistics.median(ratios), 3),
            "least": round(min(ratios), 3),
            "most": round(max(ratios), 3),
            "rounds": len(ratios),
            **extra.get(name, {}),
            "loaded": rounds.loaded[name],
            "seconds": {each: [round(s, 4) for s in rounds.seconds(name, each)] for each in ("wall", "cpu")},
        }
        made.append(row)
    return made


def target(claim: str, value: float, wanted: float, *, most: bool = False) -> dict[str, Any]:
    """Return a target and what was reached; ``most`` says that less is better."""
    met = value <= wanted if most else value >= wanted
    return {"claim": claim, "value": round(value, 4), "wanted": wanted, "most": most, "met": met}


def save(name: str, about: dict[str, Any], **content: Any) -> Path:
    """Write ``results/NAME.json``; say so."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    result = {"name": name, "about": about, "machine": describe(), **content}
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(f"\nwritten: {path}")
    return path


def load(name: str) -> dict[str, Any]:
    """Read a result."""
    content: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text())
    return content


def kept(name: str) -> bool:
    """Return whether there is a result of this name."""
    return (RESULTS / f"{name}.json").is_file()
