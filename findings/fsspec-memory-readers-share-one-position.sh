#!/usr/bin/env bash
# fsspec's memory file system gives all who open a file one object: two readers of one file take lines from each other.
#
# Versions:  fsspec 2026.9.0, universal-pathlib 0.3.10. Seen on 2026-11-30.
# Guess:     each open() returns a file of its own with its own position, as on a disk, on S3 and in a zip: stand-ins
#            for tests behave like what they stand for.
# Behaviour: open(path, "rb") seeks the stored file to 0 and returns that very object. A second open() sends the first
#            reader back to the beginning, then both move one position; each read is complete and nothing raises.
# Seen:      two readers of four lines, in turn: the first gets lines 1 and 3, the second 2 and 4. On the local file
#            system each gets all four. tell() of the first reader is 0 after the second open. universal-pathlib's
#            UPath("memory://...") does the same.
# So:        code that reads a file from two threads, or a footer while rows are streamed, is right on every store but
#            the one that its tests use; give each reader io.BytesIO(fs.cat_file(path)).
set -euo pipefail
ulimit -t 150
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
  fsspec==2026.9.0 universal-pathlib==0.3.10
venv/bin/python - <<'PY'
import pathlib


def expect(what, seen, before):
    print(f"{what}: {seen}")
    if seen != before:
        raise SystemExit(f"changed: {what}: now {seen}, before {before}")


import fsspec
from upath import UPath

LINES = b"one\ntwo\nthree\nfour\n"


def read_in_turn(open_file):
    """Return the lines that two readers of one file get, one line of each in turn."""
    with open_file() as first, open_file() as second:
        lines = [], []
        while (line := first.readline()) or lines[0] == []:
            lines[0].append(line.decode().strip())
            if other := second.readline():
                lines[1].append(other.decode().strip())
        return lines


pathlib.Path("lines.txt").write_bytes(LINES)
local = fsspec.filesystem("file")
memory = fsspec.filesystem("memory")
memory.pipe("/lines.txt", LINES)
every = ["one", "two", "three", "four"]
expect("local, both readers", read_in_turn(lambda: local.open("lines.txt", "rb")), (every, every))
expect("memory, both readers", read_in_turn(lambda: memory.open("/lines.txt", "rb")), (["one", "three"], ["two", "four"]))
path = UPath("memory:///lines.txt")
expect("UPath, both readers", read_in_turn(lambda: path.open("rb")), (["one", "three"], ["two", "four"]))
first = memory.open("/lines.txt", "rb")
first.readline()
second = memory.open("/lines.txt", "rb")
expect("memory, tell() of the first after the second open", first.tell(), 0)
expect("memory, both are one object", first is second, True)
PY
