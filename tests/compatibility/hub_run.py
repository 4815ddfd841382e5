"""A run whose workers send their shards to the Hub; as a command, it is killed after some of them.

python tests/compatibility/hub_run.py FOLDER [SHARDS]
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

TESTS = Path(__file__).parents[1]
if __name__ == "__main__":
    sys.path.insert(0, str(TESTS))

if TYPE_CHECKING:
    from doubles.hub import HubDouble

TOKEN = "hf_ASecretOfTheTests"  # noqa: S105 - of a Hub of our own
HUB = "@HUB@"
"""Stands for the Hub's address in what the version before left."""


def start(hub: HubDouble, folder: Path, *shards: str) -> subprocess.CompletedProcess[str]:
    """Run the job in a process of its own, for the Hub's client reads the address when it is imported."""
    environment = {
        **os.environ,
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(folder.parent / "home"),
        "HF_TOKEN": TOKEN,
        "HF_HUB_DISABLE_XET": "1",
        "VECMILL_STATE": str(folder.parent / "state"),
    }
    command = [sys.executable, __file__, str(folder), *shards]
    return subprocess.run(command, env=environment, check=False, capture_output=True, text=True)


def main(folder: Path, shards: int) -> None:
    """Run the job, and die as by ``kill -9`` after so many shards."""
    from compatibility.jobs import install_stand_ins, make_job
    from vecmill import run

    install_stand_ins()
    receipts = folder / ".vecmill" / "receipts"

    def die(_: object) -> None:
        if shards and receipts.is_dir() and len(list(receipts.glob("*.json"))) == shards:
            os.kill(os.getpid(), signal.SIGKILL)

    hub = {"name": "hub", "repo": "user/name", "from_workers": True}
    run(make_job("tokens", folder, publish=[{"name": "parquet", "path": str(folder)}, hub]), die)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if sys.argv[2:] else 0)
