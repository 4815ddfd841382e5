"""Rounds: every contender in turn, again and again, so that a busy machine is busy to all of them."""

from __future__ import annotations

import itertools
import statistics
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench.contender import Contender, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bench.contender import Entry


@dataclass
class Rounds:
    """What was measured.

    Attributes:
        taken: For each contender, an answer for each round.
        loaded: For each contender, what it said when it had loaded.
        unavailable: Who could not be measured, and why.
        outputs: What each made in the first run, which warms it up and is not timed.
    """

    taken: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    loaded: dict[str, dict[str, Any]] = field(default_factory=dict)
    unavailable: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, Path] = field(default_factory=dict)

    def seconds(self, name: str, clock: str) -> list[float]:
        """Return a contender's seconds, round by round."""
        return [answer[clock] for answer in self.taken[name]]

    def ratios(self, reference: str, name: str, clock: str) -> list[float]:
        """Return, round by round, how many times as fast as the reference a contender is."""
        pairs = zip(self.seconds(reference, clock), self.seconds(name, clock), strict=False)
        return [slow / fast for slow, fast in pairs]

    def median(self, name: str, clock: str) -> float:
        """Return a contender's usual seconds."""
        return statistics.median(self.seconds(name, clock))


def measure(
    entries: Iterable[Entry],
    given: Path,
    folder: Path,
    *,
    seconds: float,
    most: int,
    warm: Path | None = None,
    **settings: Any,
) -> Rounds:
    """Start everybody, let each do the work once unmeasured, and then in rounds until the time is up.

    Args:
        entries: Who takes part.
        given: The work, a JSON file.
        folder: Where the first outputs are put.
        seconds: No round begins after this.
        most: No more rounds than this.
        warm: What is done first, if less than the work is enough to warm up.
        settings: What everybody is told.
    """
    until = time.perf_counter() + seconds
    rounds = Rounds()
    running = _started(entries, warm or given, folder, rounds, settings)
    for number in itertools.count(1):
        if not running or number > most or (number > 1 and time.perf_counter() > until):
            break
        for contender in [*running]:
            _take(rounds, running, contender, given)
        print(f"round {number}: {until - time.perf_counter():.0f} s left", file=sys.stderr)
    for contender in running:
        contender.close()
    return rounds


def _started(
    entries: Iterable[Entry], given: Path, folder: Path, rounds: Rounds, settings: dict[str, Any]
) -> list[Contender]:
    running = []
    for number, entry in enumerate(entries):
        contender = None
        try:
            contender = Contender(entry, **settings)
            output = folder / f"output-{number}"
            contender.work(given, output)
        except UnavailableError as error:
            print(f"{entry.name}: not measured: {error}", file=sys.stderr)
            rounds.unavailable[entry.name] = str(error)
            if contender:
                contender.close()
            continue
        rounds.loaded[entry.name] = contender.loaded
        rounds.outputs[entry.name] = output
        rounds.taken[entry.name] = []
        running.append(contender)
        print(f"{entry.name}: ready", file=sys.stderr)
    return running


def _take(rounds: Rounds, running: list[Contender], contender: Contender, given: Path) -> None:
    try:
        rounds.taken[contender.name].append(contender.work(given))
    except UnavailableError as error:
        running.remove(contender)
        if not rounds.taken[contender.name]:
            del rounds.taken[contender.name]
            rounds.unavailable[contender.name] = str(error)
