"""Main: the entry of the process."""

from __future__ import annotations

import sys

from vecmill.cli import interrupt
from vecmill.cli.group import group


def main() -> None:
    """Run the command line and end the process: 0 done, 1 failed, 2 usage or configuration, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that is not UTF-8 gets replacement characters rather than a traceback.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    interrupt.install()
    group.main(prog_name="vecmill")
