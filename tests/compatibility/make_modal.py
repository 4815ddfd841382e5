"""Write what a run of the deployed app leaves on Modal: files of its Volume, and entries of its Dicts.

In a checkout of the version before, with this folder copied into its ``tests``, as root on Linux::

    python tests/compatibility/make_modal.py

Modal is the double of these tests; the client, the app and its containers are real.
"""

from __future__ import annotations

import json
import pickle
import shutil
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))


def main() -> None:
    """Deploy the app, run it on fixed articles, and copy what it left."""
    from compatibility.modal_app import CHANGES, stage, there
    from doubles.modal import Plane

    with tempfile.TemporaryDirectory() as folder, Plane() as plane:
        set_up = stage(plane, Path(folder))
        set_up.modal("run", "-m", "apps.wikipedia", changes=CHANGES)
        volume = plane.volumes.named("vecmill").path
        shutil.rmtree(there / "runs", ignore_errors=True)
        shutil.copytree(volume / "runs", there / "runs")
        dicts = {
            name: {
                pickle.loads(key): pickle.loads(value)  # noqa: S301 - the client's own
                for key, value in plane.dicts.dicts[number].items()
            }
            for name, number in plane.dicts.names.items()
        }
        (there / "dicts.json").write_text(json.dumps(dicts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
