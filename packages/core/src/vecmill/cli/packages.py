"""Packages: which are installed, and whether they can be used here."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

from vecmill.cli.check import Check

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCAL = 'pip install "vecmill[local]"'


class Package(NamedTuple):
    """A distribution, the module to try, what to do if it is missing, and whether a local run needs it."""

    name: str
    module: str
    hint: str
    needed: bool = True


PACKAGES = (
    Package("vecmill-local-runtime", "vecmill_local_runtime", LOCAL),
    Package("vecmill-publishers", "vecmill_publishers", LOCAL),
    Package("openvino", "openvino", LOCAL),
    Package("numpy", "numpy", LOCAL),
    Package("pyarrow", "pyarrow.parquet", LOCAL),
    Package("tokenizers", "tokenizers", LOCAL),
    Package("huggingface-hub", "huggingface_hub", LOCAL),
    Package("tokie", "tokie", 'counts tokens faster: pip install "vecmill[fast]"', needed=False),
    Package("httpx2", "httpx2", 'talks to embedding servers: pip install "vecmill[tei]"', needed=False),
    Package("modal", "modal", 'runs on GPUs in the cloud: pip install "vecmill[modal]"', needed=False),
    Package(
        "datasets", "datasets", 'reads Hub datasets that are not Parquet: pip install "vecmill[datasets]"', needed=False
    ),
)


def packages() -> Iterator[Check]:
    """Look for every package, and import what is needed: a wheel for another processor is there, and useless."""
    there = [package for package in PACKAGES if find_spec(package.module.partition(".")[0])]
    trials = {package: _trial(package) for package in there if package.needed}
    for package in PACKAGES:
        if package in trials:
            yield _judged(package, trials[package])
        elif package in there:
            yield Check(package.name, "ok", _version(package))
        else:
            yield Check(package.name, "fail" if package.needed else "note", "not installed", package.hint)


def _trial(package: Package) -> subprocess.Popen[str]:
    # In a process of its own: a wheel for another processor dies, and would take us along.
    # With -P, so that a numpy.py in the current folder is no numpy.
    code = f"import {package.module}"
    return subprocess.Popen(  # noqa: S603 - this interpreter, and a module named above
        [sys.executable, "-P", "-c", code],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )


def _judged(package: Package, trial: subprocess.Popen[str]) -> Check:
    _, errors = trial.communicate()
    if trial.returncode == 0:
        return Check(package.name, "ok", _version(package))
    why = (errors.strip().splitlines() or [f"its import was killed by signal {-trial.returncode}"])[-1]
    hint = f"install it again: pip install --force-reinstall {package.name}"
    return Check(package.name, "fail", f"{_version(package)} cannot be imported: {why}", hint)


def _version(package: Package) -> str:
    try:
        return version(package.name)
    except PackageNotFoundError:
        return "(of unknown version)"
