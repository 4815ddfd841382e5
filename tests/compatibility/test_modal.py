"""What a deployed app of the version before left on Modal: releases on the Volume, and Dicts of status and leases."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys

import pytest

from compatibility.modal_app import CHANGES, stage, there
from doubles.modal import available

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not available(), reason="containers need mount namespaces (root on Linux)"),
]
PUT = """
import json, sys, modal
for name, entries in json.loads(sys.argv[1]).items():
    for key, value in entries.items():
        modal.Dict.from_name(name, create_if_missing=True).put(key, value)
"""


def entries(plane, name):
    """Return what a Dict holds."""
    held = plane.dicts.dicts[plane.dicts.names[name]]
    return {pickle.loads(key): pickle.loads(value) for key, value in held.items()}  # noqa: S301 - our own


def test_an_app_deployed_anew_goes_on_with_it(plane, tmp_path):
    """Its status is read, its release is the current one with nothing to do, and its lease gives way to the next.

    The release's name is a hash of source and recipe: another name would mean that all is embedded again.
    """
    app = stage(plane, tmp_path)
    volume = plane.volumes.named("vecmill").path
    shutil.copytree(there / "runs", volume / "runs")
    dicts = json.loads((there / "dicts.json").read_text(encoding="utf-8"))
    subprocess.run([sys.executable, "-c", PUT, json.dumps(dicts)], env=app.environment(), check=True)
    (folder,) = (path for path in (volume / "runs").iterdir() if path.is_dir())

    status = app.modal("run", "-q", "-m", "apps.wikipedia::status", changes=CHANGES)
    assert f"{folder.name}: finished (embed of vecmill-wikipedia, begun 2026-" in status
    assert "is finished and its source is unchanged: nothing to do" in app.modal(
        "run", "-m", "apps.wikipedia::refresh", changes=CHANGES
    )
    done = app.modal("run", "-m", "apps.wikipedia", changes=CHANGES)
    assert f"dataset: /mnt/vecmill/runs/{folder.name}\n" in done
    assert not any(name.startswith("ShardWorker") for _, name in plane.containers.started)
    assert [path.name for path in (volume / "runs").iterdir() if path.is_dir()] == [folder.name]
    for name in (f"{folder.name}.json", "wikipedia.json"):
        was, now = (json.loads((runs / name).read_bytes()) for runs in (there / "runs", volume / "runs"))
        for key in ("name", "folder", "run_id", "revision", "recipe", "documents", "chunks", "bytes"):
            assert now[key] == was[key]
    leases = entries(plane, "vecmill-claims")
    assert leases[f"runs/{folder.name}"] == 2
    assert leases[f"runs/{folder.name} 2"]["over"]
