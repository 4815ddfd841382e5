"""What it costs to start the command line, in processor time.

hatch run bench:start
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

from bench import results, table

COMMANDS = {"python -c pass": ["-c", "pass"], "vecmill --help": ["--help"], "vecmill plugins": ["plugins"]}
LIMIT = 0.15
# What is installed has its bytecode; a variable for checkouts that are to stay clean would have it made anew each time.
INSTALLED = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def main() -> None:
    """Measure, print, and keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(rounds + 1):  # the first fills the caches
        for name in COMMANDS:
            seconds[name].append(processor_seconds(name))
    usual = {name: statistics.median(taken[1:]) for name, taken in seconds.items()}
    rows = [
        {"name": name, "seconds": round(usual[name], 4), "least": round(min(seconds[name]), 4)} for name in COMMANDS
    ]
    targets = [
        results.target(f"{name}, seconds of processor time", usual[name], LIMIT, most=True)
        for name in COMMANDS
        if name.startswith("vecmill")
    ]
    results.save("start", {"rounds": rounds, "clock": "cpu"}, rows=rows, targets=targets, unavailable={})
    print(table.targets({"targets": targets}))


def processor_seconds(name: str) -> float:
    """Run a command; return what it took of the processor, the system's part included."""
    program = Path(sys.executable)
    command = [str(program if name.startswith("python") else program.with_name("vecmill")), *COMMANDS[name]]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=INSTALLED)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
