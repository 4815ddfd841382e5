"""Main: the entry of the process."""

from __future__ import annotations

import os
import sys

from vecmill.cli import interrupt, warnings
from vecmill.cli.group import group

OWN_BARS = ("HF_HUB_DISABLE_PROGRESS_BARS", "HF_DATASETS_DISABLE_PROGRESS_BARS")
"""Libraries that would draw their own bars across ours, and fill a log with them."""


def main() -> None:
    """Run the command line and end the process: 0 done, 1 failed, 2 usage or configuration, 130 interrupted."""
    for name in OWN_BARS:
        os.environ.setdefault(name, "1")
    for stream in (sys.stdout, sys.stderr):
        # A terminal that is not UTF-8 gets replacement characters rather than a traceback.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    interrupt.install()
    warnings.install()
    group.main(prog_name="vecmill")
