"""Write what the tests here compare with: hashes, and datasets and runs as the version before left them.

In a checkout of that version, with this folder copied into its ``tests``::

    python tests/compatibility/make.py

``hashes.json`` and ``before`` were written so at commit 0b574c3, on Python 3.11 with the versions of its
constraints.txt. A newer version has to read them, and never writes them again.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
FOLDER = "@FOLDER@"
"""Stands for the folder of this machine that the runs were in, wherever a file names it."""
KILLED = {"half": ("tokens", None, 2), "half-since": ("titles", "finished", 1)}
"""Runs that are killed: the job, the earlier dataset, and after how many shards."""


def main() -> None:
    """Write it all."""
    import pyarrow as pa

    from compatibility.jobs import HERE, JOBS, install_stand_ins, make_job, run_demo
    from compatibility.results import describe, read_vectors
    from vecmill import publish, run

    install_stand_ins()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ["VECMILL_STATE"] = str(folder / "state")
        datasets = {"demo": run_demo(folder / "demo")}
        datasets |= {name: run(make_job(name, folder / name)) for name in JOBS}
        hashes = {
            "pyarrow": pa.__version__,
            "jobs": {name: describe(made, vectors=name != "tiny") for name, made in datasets.items()},
        }
        (shard,) = (folder / "tiny" / "data").iterdir()
        hashes["vectors"] = read_vectors(shard).tolist()
        (HERE / "hashes.json").write_text(json.dumps(hashes, indent=1) + "\n", encoding="utf-8")

        (folder / "titles").rename(folder / "finished")
        run(
            make_job("titles", folder / "since", source=JOBS["titles"]["source"] | {"limit": 20}),
            since=folder / "finished",
        )
        publish(folder / "finished", to="parquet", options={"path": str(folder / "copy")})
        for killed in KILLED:
            command = [sys.executable, __file__, killed, str(folder)]
            assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
        shutil.rmtree(folder / "since" / ".vecmill")
        for kept in ("finished", "since", "tiny", "state", *KILLED):
            keep(folder / kept, folder)
        shutil.copyfile(folder / "copy" / ".vecmill.mirror.json", HERE / "before" / "copy.json")
        make_hub(folder)


def make_hub(folder: Path) -> None:
    """Write the run whose workers send their shards."""
    from compatibility.hub_run import HUB, TOKEN, start
    from doubles.hub import HubDouble, User

    with HubDouble(folder / "hub") as hub:
        hub.users[TOKEN] = User("user")
        assert start(hub, folder / "half-hub", "2").returncode == -signal.SIGKILL
        for receipt in (folder / "half-hub" / ".vecmill" / "receipts").iterdir():
            receipt.write_text(receipt.read_text().replace(hub.url, HUB))
    keep(folder / "half-hub", folder)


def keep(made: Path, folder: Path) -> None:
    """Copy a folder to the fixtures, without the name of the folder that it was in."""
    there = HERE / "before" / made.name
    shutil.rmtree(there, ignore_errors=True)
    for path in sorted(path for path in made.rglob("*") if path.is_file()):
        target = there / path.relative_to(made)
        target.parent.mkdir(parents=True, exist_ok=True)
        content = path.read_bytes()
        if path.suffix == ".json":
            content = content.replace(str(HERE).encode(), FOLDER.encode())
        assert str(folder).encode() not in content, path
        target.write_bytes(content)


def run_killed(name: str, folder: Path) -> None:
    """Run a job until some of its shards are done, and die as by ``kill -9``."""
    from compatibility.jobs import install_stand_ins, make_job
    from vecmill import run

    install_stand_ins()
    job, since, shards = KILLED[name]
    receipts = folder / name / ".vecmill" / "receipts"

    def die(_: object) -> None:
        if receipts.is_dir() and len(list(receipts.glob("*.json"))) == shards:
            os.kill(os.getpid(), signal.SIGKILL)

    run(make_job(job, folder / name), die, since=since and folder / since)


if __name__ == "__main__":
    run_killed(sys.argv[1], Path(sys.argv[2])) if sys.argv[1:] else main()
