"""Every measurement, one after the other, and the tables of ``docs/evidence/performance.md`` and ``docs/tei.md``.

    hatch run bench:all

One that fails or takes longer than it may does not stop the others.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The longest that each may take; together they take half as long on a quiet machine.
MINUTES = {
    "start": 1,
    "search": 4,
    "chunking": 6,
    "memory": 6,
    "operations": 2,
    "overlap": 6,
    "quantization": 6,
    "client": 6,
    "client_steps": 3,
    "scaling": 4,
    "corpus": 30,
    "embedding": 20,
}


def main() -> None:
    """Run all; end with 1 if any failed."""
    failed = [name for name, minutes in MINUTES.items() if not succeeds(name, minutes)]
    subprocess.run([sys.executable, HERE / "page.py"], check=True)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def succeeds(name: str, minutes: int) -> bool:
    """Run one measurement."""
    print(f"\n== {name}", flush=True)
    began = time.perf_counter()
    try:
        done = subprocess.run([sys.executable, HERE / f"{name}.py"], check=False, timeout=60 * minutes)
    except subprocess.TimeoutExpired:
        print(f"{name}: stopped after {minutes} minutes")
        return False
    print(f"{name}: {time.perf_counter() - began:.0f} s")
    return done.returncode == 0


if __name__ == "__main__":
    main()
