"""Shipping: the code that a container needs, and how it finds the plugins there.

Modal copies source files and no metadata, so the entry points by which plugins are found are gone in a
container. The names of the plugins in use are therefore put into a variable.
"""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass, field
from importlib.metadata import Distribution, distribution, entry_points
from pathlib import Path

from packaging.requirements import Requirement

from vecmill.errors import PluginError
from vecmill.plugins.manager import EXTRA, GROUP


@dataclass(slots=True)
class Cargo:
    """What to put into an image.

    Attributes:
        plugins: Plugin modules by name.
        folders: Packages to copy, by import name.
        files: Single modules to copy, by import name.
        requirements: What to install, pinned to the versions here.
    """

    plugins: dict[str, str] = field(default_factory=dict)
    folders: dict[str, Path] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    requirements: list[str] = field(default_factory=list)

    @property
    def variables(self) -> dict[str, str]:
        """What tells a container which plugins there are."""
        return {EXTRA: ",".join(f"{name}={module}" for name, module in sorted(self.plugins.items()))}


def cargo() -> Cargo:
    """Collect vecmill and every plugin that is active here, with what they require.

    Raises:
        PluginError: A plugin's code cannot be found.
    """
    found = Cargo()
    homes = {"vecmill": distribution("vecmill")}
    _place(found, "vecmill")
    for point in entry_points(group=GROUP):
        if point.dist is None:
            continue
        homes[point.dist.name] = point.dist
        found.plugins[point.name] = point.value
        _place(found, point.module.partition(".")[0])
    found.requirements = _requirements(list(homes.values()))
    return found


def _place(found: Cargo, package: str) -> None:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise PluginError(f"the code of plugin package {package!r} cannot be found: install it again")
    origin = Path(spec.origin)
    if spec.submodule_search_locations:
        found.folders[package] = origin.parent
    else:
        found.files[package] = origin


def _requirements(homes: list[Distribution]) -> list[str]:
    ours = {_plain(home.name) for home in homes}
    wanted = {_plain(name): name for home in homes for name in _needed(home)}
    return [f"{name}=={distribution(name).version}" for key, name in sorted(wanted.items()) if key not in ours]


def _needed(home: Distribution) -> list[str]:
    parsed = [Requirement(line) for line in home.requires or ()]
    return [need.name for need in parsed if need.marker is None or need.marker.evaluate({"extra": ""})]


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
