"""Memory does not grow with the corpus."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

RUN = """
import json, resource, sys
from pathlib import Path
import vecmill
source, out, keep = sys.argv[1:]
dataset = vecmill.run(vecmill.Job(
    source={"name": "jsonl", "path": source, "keep": json.loads(keep)},
    chunker={"name": "paragraphs", "max_tokens": 32},
    embedder={"name": "hash", "dimension": 64},
    publish=[{"name": "parquet", "path": out}],
    shards={"target_mb": 6},
))
# Not RUSAGE_SELF: a process that another has started is charged with the other's peak there.
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
peak = {
    "driver": int(status["VmHWM"].split()[0]),
    "worker": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss,
}
print(json.dumps({"chunks": dataset.account.chunks, "shards": len(dataset.manifest.shards), **peak}))
"""


@pytest.fixture
def measured(tmp_path):
    """Run a job over a file in processes of their own; return chunks and peak memory in kB."""
    info = tmp_path / "site" / "stand_ins-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stand_ins\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[vecmill]\nstand-ins = vecmill.testing.plugin\n")

    def run(source, out, keep=()):
        command = [sys.executable, "-c", RUN, source, tmp_path / out, json.dumps(keep)]
        env = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
        return json.loads(subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout)

    return run


@pytest.fixture
def measure(tmp_path, measured):
    """Run a job over so many documents."""

    def run(documents):
        source = tmp_path / f"{documents}.jsonl"
        with source.open("w") as file:
            for number in range(documents):
                text = f"Document {number} has a handful of words, none of them rare. " * 12
                file.write(json.dumps({"id": str(number), "text": text}) + "\n")
        return measured(source, f"out-{documents}")

    return run


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the kernel tells no peak of one process")
@pytest.mark.fault(
    "load",
    "a corpus five times as large",
    promise="The same memory.",
)
@pytest.mark.slow
def test_five_times_the_documents_take_the_same_memory(measure):
    """From 60,000 chunks to 300,000 the worker's and the driver's peak memory stay within a fifth.

    From run to run they differ by a tenth, by what happens at the same moment.
    """
    small, large = measure(10_000), measure(50_000)
    assert small["shards"] >= 3, "a worker holds most from its third shard on; less shows nothing"
    assert small["chunks"] / small["shards"] > 8192, "a shard must fill a window, or nothing is shown"
    assert large["chunks"] == 5 * small["chunks"]
    for who in ("driver", "worker"):
        assert large[who] <= 1.2 * small[who], who


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the kernel tells no peak of one process")
@pytest.mark.fault(
    "load",
    "90 pages with 300 kB of HTML in an extra column, in 80 chunks each",
    promise="The run ends with the memory of a few row groups, and the file is no larger than the pages and their "
    "chunks.",
)
@pytest.mark.slow
def test_long_values_that_are_carried_along_are_not_held_once_a_chunk(tmp_path, measured):
    """2.5 GB, if each of the chunks had its page: the worker takes less than 600 MB more than without the pages."""
    chance, source = random.Random(90), tmp_path / "pages.jsonl"  # noqa: S311 - repeatable, not secret
    words = [f"word{number}" for number in range(5000)]
    with source.open("w") as file:
        for number in range(90):
            page = {
                name: " ".join(chance.choices(words, k=count)) for name, count in (("text", 2500), ("html", 35_000))
            }
            file.write(json.dumps({"id": str(number), **page}) + "\n")
    plain, with_html = measured(source, "plain"), measured(source, "html", ["html"])
    assert with_html["chunks"] == plain["chunks"] > 80 * 90
    assert with_html["worker"] < plain["worker"] + 600_000
    size = sum(path.stat().st_size for path in (tmp_path / "html" / "data").iterdir())
    assert size < source.stat().st_size
