"""Fuzz one kind of input, or all, for so many seconds each: ``python -m fuzz all 60``.

Guided by the branches that vecmill takes. A find is written to ``out/fuzz``; mend its cause and keep it in ``corpus``.
"""

from __future__ import annotations

import importlib
import random
import subprocess
import sys
from pathlib import Path

from fuzz.mutation import mutated

TARGETS = ("job_files", "source_rows", "chunks", "models", "answers", "records")
CORPUS = Path(__file__).parent / "corpus"
FOUND = Path("out", "fuzz")
SECONDS = 60
SECONDS_FOR_ONE = 20
MEGABYTES = 2048
LONGEST = 4096


def main(target: str = "all", seconds: str = str(SECONDS)) -> int:
    """Fuzz; return 0 if nothing was found."""
    if target != "all":
        _fuzz(target, int(seconds))
    codes = [subprocess.run([sys.executable, "-m", "fuzz", name, seconds], check=False).returncode for name in TARGETS]
    return int(any(codes))


def _fuzz(target: str, seconds: int) -> None:
    """Fuzz one target, and end the process."""
    import atheris

    # Imported before, so that only branches of ours are followed.
    for library in ("datasets", "huggingface_hub", "numpy", "pyarrow.parquet", "pydantic", "tokenizers", "httpx2"):
        importlib.import_module(library)
    with atheris.instrument_imports(include=["vecmill", "fuzz", "tomllib"]):
        check = importlib.import_module(f"fuzz.{target}").check
    corpus = FOUND / target
    corpus.mkdir(parents=True, exist_ok=True)
    limits = [f"-max_total_time={seconds}", f"-timeout={SECONDS_FOR_ONE}", f"-rss_limit_mb={MEGABYTES}"]
    folders = [f"-artifact_prefix={FOUND}/{target}-", f"-max_len={LONGEST}", str(corpus), str(CORPUS / target)]

    def mutator(data: bytes, most: int, seed: int) -> bytes:
        made = mutated(data, random.Random(seed))  # noqa: S311 - the fuzzer's own seed
        return made if made is not None and len(made) <= most else atheris.Mutate(data, most)

    atheris.Setup([sys.argv[0], *limits, *folders], check, custom_mutator=mutator)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
