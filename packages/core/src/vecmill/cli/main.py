"""Main: the entry of the process. Until signals are in good hands it imports next to nothing."""

from __future__ import annotations

import os
from typing import NoReturn

from vecmill.cli import interrupt, streams

OWN_BARS = ("HF_HUB_DISABLE_PROGRESS_BARS", "HF_DATASETS_DISABLE_PROGRESS_BARS")
"""Libraries that would draw their own bars across ours, and fill a log with them."""


def main() -> NoReturn:
    """Run the command line and end the process: 0 done, 1 failed, 2 usage or configuration, 130 interrupted."""
    try:
        streams.open_closed()
        interrupt.install()
        interrupt.end(_command())
    except KeyboardInterrupt:  # and none is raised while this one is dealt with
        interrupt.end(interrupt.INTERRUPTED)


def _command() -> int:
    for name in OWN_BARS:
        os.environ.setdefault(name, "1")
    try:
        _click()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
        return interrupt.INTERRUPTED if code and interrupt.requested() else code


def _click() -> NoReturn:
    from vecmill.cli import warnings
    from vecmill.cli.group import group

    warnings.install()
    group.main(prog_name="vecmill")
