"""This checkout against an earlier commit: embedding, chunking, and a worker's side of the work, in processor time.

    hatch run bench-before COMMIT

The commit is checked out beside the results of runs and gets the same environment there, so that both have the same
libraries. Both run in turn, round by round, each with its own file of ``peers``. The figure to read is the ratio of
processor times, now to then: above 1 it has become slower. The command fails if one is above ``--most``.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from bench import table, texts
from bench.contender import HERE, Entry
from bench.model import model_folder
from bench.rounds import measure
from client import corpus, engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.rounds import Rounds

ROOT = HERE.parent
BUDGET = 256


def check_out(commit: str) -> Path:
    """Return the files of a commit in a folder with its default environment; one that is there already is used again.

    Raises:
        SystemExit: There is no such commit, or no hatch to make the environment with.
    """
    command = ["git", "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}"]
    found = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True).stdout.strip()
    hatch = shutil.which("hatch")
    if not found or hatch is None:
        sys.exit(f"{commit} is no commit of this repository" if hatch else "hatch is not on PATH")
    folder = ROOT / "out" / "before" / found[:12]
    if not (folder / "pyproject.toml").is_file():
        archive = subprocess.run(["git", "archive", found], cwd=ROOT, check=True, capture_output=True).stdout
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(folder, filter="data")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HATCH_ENV", "VIRTUAL_ENV"))}
    subprocess.run([hatch, "run", "model"], cwd=folder, check=True, env=kept)
    return folder


def measure_embedding(pair: Pair, options: argparse.Namespace, folder: Path) -> Iterator[tuple[str, Rounds]]:
    """Embed the same chunks, in each precision that this processor computes in."""
    given = folder / "chunks.json"
    given.write_text(json.dumps(texts.slices(texts.texts(options), 400, options.chunks)))
    for precision in ("f32", "bf16"):
        entries = pair.entries("embed_vecmill", precision=precision)
        yield f"embedding {precision}", pair.measure(entries, given, folder, model=str(model_folder()))


def measure_chunking(pair: Pair, options: argparse.Namespace, folder: Path) -> Iterator[tuple[str, Rounds]]:
    """Cut the same texts by the model's tokens."""
    given = folder / "texts.json"
    given.write_text(json.dumps(texts.sample(texts.texts(options), options.characters)))
    entries = pair.entries("chunk_vecmill", repeat=5)
    settings = {"model": str(model_folder()), "budget": BUDGET, "one_processor": True}
    yield "chunking", pair.measure(entries, given, folder, **settings)


def measure_client(pair: Pair, options: argparse.Namespace, folder: Path) -> Iterator[tuple[str, Rounds]]:
    """Do shards with an engine that answers at once."""
    *_, theirs, mine = sorted(os.sched_getaffinity(0)) * 2
    with engine(mine) as url:
        options.chunks = options.client_chunks
        corpus(options, folder / "corpus.parquet")
        (given := folder / "given.json").write_text("{}")
        for chunker in ("characters", "paragraphs"):
            entries = pair.entries("client_vecmill", chunker=chunker)
            settings = {"corpus": str(folder / "corpus.parquet"), "url": url, "processor": theirs}
            yield f"client, {chunker}", pair.measure(entries, given, folder, scratch=str(folder), **settings)


MEASUREMENTS = {"embedding": measure_embedding, "chunking": measure_chunking, "client": measure_client}


class Pair:
    """Two builds that take turns.

    Args:
        checkout: The earlier one.
        rounds: No more rounds than this.
        seconds: No round begins later than this.
    """

    def __init__(self, checkout: Path, rounds: int, seconds: float) -> None:
        self._checkout, self._rounds, self._seconds = checkout, rounds, seconds

    def entries(self, script: str, **settings: Any) -> list[Entry]:
        """Return both as contenders."""
        return [
            Entry("then", script, settings, ours=True, checkout=self._checkout),
            Entry("now", script, settings, ours=True, checkout=ROOT),
        ]

    def measure(self, entries: list[Entry], given: Path, folder: Path, **settings: Any) -> Rounds:
        """Let both do the work in turn."""
        return measure(entries, given, folder, seconds=self._seconds, most=self._rounds, **settings)


def main() -> None:
    """Measure, print, and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commit")
    parser.add_argument("--only", choices=MEASUREMENTS, help="one measurement alone")
    parser.add_argument("--rounds", type=int, default=15, help="no more rounds than this for each")
    parser.add_argument("--seconds", type=float, default=300, help="no round of any begins later than this")
    parser.add_argument("--most", type=float, default=1.03, help="the ratio from which the command fails")
    parser.add_argument("--chunks", type=int, default=800, help="to embed")
    parser.add_argument("--characters", type=int, default=1_000_000, help="to cut")
    parser.add_argument("--client-chunks", type=int, default=40_000, help="of 400 characters, for the worker")
    texts.add_options(parser)
    options = parser.parse_args()
    pair = Pair(check_out(options.commit), options.rounds, options.seconds)
    rows, slower = [], []
    with tempfile.TemporaryDirectory() as name:
        for measurement in [options.only] if options.only else MEASUREMENTS:
            (folder := Path(name) / measurement).mkdir()
            for what, rounds in MEASUREMENTS[measurement](pair, options, folder):
                rows.append(_row(what, rounds))
                slower += [what] if rounds.taken.keys() >= {"then", "now"} and _ratio(rounds) > options.most else []
    print(table.markdown(["", "then, s", "now, s", "now / then", "least", "most", "rounds"], rows))
    if slower:
        sys.exit(f"more than {options.most:.2f} times the processor time of {options.commit}: {', '.join(slower)}")


def _row(what: str, rounds: Rounds) -> list[str]:
    if rounds.unavailable:
        return [f"{what}: not measured ({'; '.join(rounds.unavailable.values())})", *["-"] * 6]
    ratios = rounds.ratios("now", "then", "cpu")
    seconds = [f"{rounds.median(name, 'cpu'):.3f}" for name in ("then", "now")]
    return [what, *seconds, *(f"{f(ratios):.3f}" for f in (median, min, max)), str(len(ratios))]


def _ratio(rounds: Rounds) -> float:
    return median(rounds.ratios("now", "then", "cpu"))


if __name__ == "__main__":
    main()
