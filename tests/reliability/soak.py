"""Soak: a long run of the TEI path under faults. Nothing is lost, and neither memory nor open files grow.

python tests/reliability/soak.py [CHUNKS]      (hatch run soak; a million by default)
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from doubles.tei import MODEL, RouterDouble  # noqa: E402 - after the path
from reliability.processes import Family  # noqa: E402 - (the same)
from reliability.usage import Usage, watch  # noqa: E402 - (the same)

if TYPE_CHECKING:
    from collections.abc import Iterator

FAULTS = ("busy", "unhealthy", "failed", "reset", "cut", "truncated", "html", "narrow", "missing", "extra")
RATE = 0.05
CHUNKS_IN_DOCUMENT = 50
SIZE = 60
LONG = 200_000
"""Chunks from which on a trend can be told from a beginning."""
MINUTES_PER_MILLION = 60
"""The bound on the time of a run; a quiet machine with two processors needs a sixth of it."""
JOB = """
[source]
name = "jsonl"
path = "{corpus}"

[chunker]
name = "characters"
size = {size}

[embedder]
name = "tei"
model = "{model}"
url = "{url}"
timeout_s = 20

[runtime]
name = "local"
workers = 1

[shards]
target_mb = {target_mb}

[[publish]]
name = "parquet"
path = "{out}"
"""


@dataclass
class Soaked:
    """What came of it.

    Attributes:
        manifest: The dataset's.
        requests: How many the router had, and how many of them it spoilt.
        usage: By process: ``driver``, ``worker``.
    """

    manifest: dict[str, Any]
    requests: int
    spoilt: int
    seconds: float
    usage: dict[str, Usage]


def soak(chunks: int, folder: Path, target_mb: float = 64) -> Soaked:
    """Run so many chunks against a router that spoils one answer in twenty, and check the account to the character.

    Raises:
        AssertionError: Something was lost, or the run failed.
    """
    documents = chunks // CHUNKS_IN_DOCUMENT
    corpus, job, out = folder / "corpus.jsonl", folder / "job.toml", folder / "out"
    write_corpus(corpus, documents)
    rates = dict.fromkeys(FAULTS, RATE / len(FAULTS))
    with RouterDouble(MODEL, vectors="random", rates=rates, seed=5) as router:
        settings = {
            "corpus": corpus,
            "size": SIZE,
            "model": MODEL,
            "url": router.url,
            "target_mb": target_mb,
            "out": out,
        }
        job.write_text(JOB.format(**settings))
        began = time.monotonic()
        usage = run(job, timeout=60 + chunks / 1e6 * MINUTES_PER_MILLION * 60)
        seconds = time.monotonic() - began
        counts = router.metrics()
    manifest = json.loads((out / "manifest.json").read_text())
    check(manifest["account"], documents)
    spoilt = int(sum(count for name, count in counts.items() if "te_double_faults" in name))
    return Soaked(manifest, int(counts["te_request_count"]), spoilt, seconds, usage)


def write_corpus(path: Path, documents: int) -> None:
    """Write documents that make ``CHUNKS_IN_DOCUMENT`` chunks each, to the character."""
    with path.open("w", encoding="utf-8") as file:
        for number in range(documents):
            text = "".join(
                f"{f'Line {line} of document {number} says {line * number}. ':x<{SIZE}}" for line in range(50)
            )
            file.write(json.dumps({"id": f"d{number}", "text": text}) + "\n")


def check(account: dict[str, int], documents: int) -> None:
    """Hold an account against the corpus."""
    chunks = documents * CHUNKS_IN_DOCUMENT
    assert account["documents_in"] == account["documents_embedded"] == documents, account
    assert account["documents_quarantined"] == account["truncated_chunks"] == 0, account
    assert (account["chunks"], account["characters"]) == (chunks, chunks * SIZE), account


def run(job: Path, timeout: float) -> dict[str, Usage]:
    """Run the command, and watch its processes."""
    family, over = Family(), threading.Event()
    command = [str(Path(sys.executable).with_name("vecmill")), "run", str(job), "-q"]
    child = subprocess.Popen(
        command, env=family.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    usage: dict[str, Usage] = {"driver": Usage(), "worker": Usage()}
    watcher = threading.Thread(target=watch, args=(family, child.pid, usage, over))
    watcher.start()
    try:
        _, errors = child.communicate(timeout=timeout)
    finally:
        over.set()
        watcher.join()
        family.kill(*family.pids())
    assert child.returncode == 0, errors
    return usage


def assert_flat(soaked: Soaked, memory: float, files: int = 8) -> None:
    """Check that no process needs more at the end than in the middle.

    Args:
        soaked: A run.
        memory: The ratio that is borne.
        files: The number of open files more that is borne.
    """
    for name, usage in soaked.usage.items():
        more_memory, more_files = usage.growth()
        assert more_memory <= memory, f"the {name}'s memory grew by x{more_memory:.3f}"
        assert more_files <= files, f"the {name} has {more_files} files open more"


def describe(soaked: Soaked) -> Iterator[str]:
    """Say in lines what came of it."""
    account = soaked.manifest["account"]
    yield f"{account['chunks']:,} chunks of {account['documents_in']:,} documents, every one there, to the character"
    yield f"{soaked.requests:,} requests; {soaked.spoilt:,} of them ({soaked.spoilt / soaked.requests:.1%}) were spoilt"
    yield f"{soaked.seconds:.0f} s, {account['chunks'] / soaked.seconds:,.0f} chunks/s"
    for name, usage in soaked.usage.items():
        memory, files = usage.growth()
        top = max(usage.memory) / 1e6
        yield f"{name}: {top:.0f} MB at most, x{memory:.3f} from the middle third to the last; open files {files:+d}"


def main() -> None:
    """Soak, verify, report."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("chunks", type=int, nargs="?", default=1_000_000)
    chunks = parser.parse_args().chunks
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        soaked = soak(chunks, Path(folder))
        for line in describe(soaked):
            print(line, flush=True)
        if chunks >= LONG:
            assert_flat(soaked, memory=1.1)
        subprocess.run([Path(sys.executable).with_name("vecmill"), "verify", Path(folder) / "out"], check=True)


if __name__ == "__main__":
    main()
