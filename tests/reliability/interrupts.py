"""Interrupts: every command gets SIGINT or SIGTERM at so many moments of its life, and must end in order each time.

python tests/reliability/interrupts.py [COUNT] [COMMAND]      (hatch run interrupts; 50 for each by default)
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from doubles.hub import HubDouble  # noqa: E402 - after the path
from reliability.commands import Commands  # noqa: E402 - (the same)
from reliability.interrupting import Interrupting  # noqa: E402 - (the same)


def main() -> int:
    """Interrupt, and report."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("count", type=int, nargs="?", default=50)
    parser.add_argument("command", nargs="?", default="", help="the beginning of its name; all by default")
    asked = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # or what a shell has in the background would ignore it
    found = 0
    with tempfile.TemporaryDirectory(prefix="interrupts-") as name, HubDouble(Path(name) / "hub") as hub:
        for case in Commands(Path(name), hub).all():
            if case.name.startswith(asked.command):
                began = time.monotonic()
                interrupting = Interrupting(case, Path(name))
                interrupting.rounds(asked.count)
                ends = ", ".join(f"{count} {how}" for how, count in sorted(interrupting.ends.items()))
                print(f"{case.name:<20} {ends} ({time.monotonic() - began:.0f} s)", flush=True)
                print(*interrupting.finds, sep="\n", end="", flush=True)
                found += len(interrupting.finds)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
