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

EXTRA = "vecmill[local]"
"""What a run on this machine needs."""
LOCAL = f'pip install "{EXTRA}"'


class Package(NamedTuple):
    """A distribution, the module to try, and what to do if it is missing; one that a local run needs comes with it."""

    name: str
    module: str
    hint: str = LOCAL

    @property
    def needed(self) -> bool:
        """Whether a run on this machine needs it."""
        return self.hint == LOCAL

    @property
    def there(self) -> bool:
        """Whether it is installed."""
        return find_spec(self.module.partition(".")[0]) is not None


PACKAGES = (
    Package("vecmill-local-runtime", "vecmill_local_runtime"),
    Package("vecmill-publishers", "vecmill_publishers"),
    Package("openvino", "openvino"),
    Package("numpy", "numpy"),
    Package("pyarrow", "pyarrow.parquet"),
    Package("tokenizers", "tokenizers"),
    Package("huggingface-hub", "huggingface_hub"),
    Package("tokie", "tokie", 'counts tokens faster: pip install "vecmill[fast]"'),
    Package("httpx2", "httpx2", 'talks to embedding servers: pip install "vecmill[tei]"'),
    Package("modal", "modal", 'runs on GPUs in the cloud: pip install "vecmill[modal]"'),
    Package("datasets", "datasets", 'reads Hub datasets that are not Parquet: pip install "vecmill[datasets]"'),
)


def packages() -> Iterator[Check]:
    """Look for every package, and import what is needed: a wheel for another processor is there, and useless.

    Those that are needed and missing are left to ``missing``: one command brings them all.
    """
    trials = {package: _trial(package) for package in PACKAGES if package.needed and package.there}
    for package in PACKAGES:
        if package in trials:
            yield _judged(package, trials[package])
        elif package.there:
            yield Check(package.name, "ok", _version(package))
        elif not package.needed:
            yield Check(package.name, "note", "not installed", package.hint)


def missing() -> list[str]:
    """Return the packages that are needed and not installed."""
    return [package.name for package in PACKAGES if package.needed and not package.there]


def _trial(package: Package) -> subprocess.Popen[str]:
    # In a process of its own: a wheel for another processor dies, and would take us along.
    # With -P, so that a numpy.py in the current folder is no numpy.
    code = f"import {package.module}"
    return subprocess.Popen(  # noqa: S603 - this interpreter, and a module named above
        [sys.executable, "-P", "-c", code],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
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
