"""Images: what containers are made of: a system, the router, and vecmill with the plugins that are in use here."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from importlib.metadata import Distribution, EntryPoint, PackageNotFoundError, distribution, entry_points
from pathlib import Path
from typing import TYPE_CHECKING

import modal
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from vecmill.concurrency import Threads
from vecmill.errors import ConfigError, PluginError
from vecmill.files import SHARED
from vecmill.runtimes import BUILTIN_PLUGIN, DISABLE_VARIABLE, PLUGIN_GROUP, PLUGINS_VARIABLE, load_plugins
from vecmill_modal_runtime.gpus import image_prefix
from vecmill_modal_runtime.volume import BUCKET, DEFAULT, MOUNT, NAME
from vecmill_modal_runtime.wheels import MACHINE, fits, image_tags, is_from_index, make_wheel, read_tag

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vecmill import Job


TEI_VERSION = "1.9.3"
"""The router's version; it is stated here alone."""
TEI_REPOSITORY = "ghcr.io/huggingface/text-embeddings-inference"
PYTHON = "3.12"
WHEELS = "/opt/vecmill/wheels"
"""Where code of this machine is in an image before it is installed."""
LOCKS = "/tmp/vecmill-locks"  # noqa: S108 - in a container, which has one user


def tei_tag(gpus: tuple[str, ...]) -> str:
    """Return the name of the router's image for these GPUs."""
    return f"{TEI_REPOSITORY}:{image_prefix(gpus)}{TEI_VERSION}"


def cpu_image(
    volume: str = DEFAULT, packages: tuple[str, ...] = (), variables: Mapping[str, str] | None = None
) -> modal.Image:
    """Return an image for the driver and for embedding on processors.

    Args:
        volume: The Volume's name.
        packages: More to install, such as what a plugin of your own needs.
        variables: More environment variables.
    """
    return _add_payload(modal.Image.debian_slim(python_version=PYTHON), volume, packages, variables)


def tei_image(
    gpus: tuple[str, ...],
    volume: str = DEFAULT,
    packages: tuple[str, ...] = (),
    variables: Mapping[str, str] | None = None,
) -> modal.Image:
    """Return an image with the router for these GPUs; the same arguments as ``cpu_image``."""
    base = modal.Image.from_registry(tei_tag(gpus), add_python=PYTHON).entrypoint([])
    return _add_payload(base, volume, packages, variables)


def _add_payload(
    image: modal.Image, volume: str, packages: tuple[str, ...], variables: Mapping[str, str] | None
) -> modal.Image:
    if not modal.is_local():
        return image  # in a container the image is there already, and its sources are not
    content = collect_payload(PYTHON)
    image = _with_code(image.uv_pip_install(*content.requirements, *packages), content)
    fixed = {NAME: volume, "VECMILL_LOCKS": LOCKS, SHARED: f"{MOUNT}:{BUCKET}", "HF_HUB_DISABLE_TELEMETRY": "1"}
    if switched_off := os.environ.get(DISABLE_VARIABLE):  # a distribution may have another plugin, that is in use
        fixed[DISABLE_VARIABLE] = switched_off
    return image.env({**fixed, **(variables or {})})


def _with_code(image: modal.Image, content: Payload) -> modal.Image:
    """Install what no index has, as pip would: with its metadata, by which plugins are found."""
    image = image.add_local_dir(content.wheels[0].parent, WHEELS, copy=True)
    names = [f"{WHEELS}/{wheel.name}" for wheel in content.wheels]
    return image.uv_pip_install(*names, extra_options="--no-deps")


@dataclass(slots=True)
class Payload:
    """What to install in an image.

    Attributes:
        wheels: Code that is on this machine alone, and vecmill's own; to be installed without what it requires.
        requirements: What an index has, at the versions that are here.
    """

    wheels: list[Path] = field(default_factory=list)
    requirements: list[str] = field(default_factory=list)


@functools.cache
def collect_payload(python: str) -> Payload:
    """Collect vecmill and every plugin that is in use here, once in a process; their wheels stay until it ends.

    Args:
        python: The image's version of Python.

    Raises:
        PluginError: A plugin cannot be installed in such an image.
    """
    folder = Path(tempfile.mkdtemp(prefix="vecmill-wheels-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return collect_into(folder, python)


def refuse_unpackaged(job: Job) -> None:
    """Refuse a job whose component no image can have: its plugin is a module of this machine that no package brings.

    Raises:
        ConfigError: Names the component and its plugin.
    """
    entries = load_plugins().registry.entries
    packaged = {BUILTIN_PLUGIN, *(point.name for point in _points())}
    for kind, spec in job.parts:
        entry = entries[kind].get(spec.name)
        if entry is not None and entry.plugin not in packaged:
            raise ConfigError(
                f"the {kind} {spec.name!r} is of plugin {entry.plugin!r}, which {PLUGINS_VARIABLE} names and no "
                "package brings: make a package of it and install that, for containers get packages"
            )


def collect_into(folder: Path, python: str) -> Payload:
    """Collect vecmill and every plugin that is in use here, with their wheels in a folder."""
    sent, wanted = _gather(python)
    found, tags = Payload(), image_tags(python)
    with Threads() as threads:  # a builder is a process, and most of its time goes into its start
        wheels = list(threads.map(lambda home: make_wheel(home, folder), list(sent.values())))
    for (name, home), wheel in zip(sent.items(), wheels, strict=True):
        if wheel is not None and fits(wheel, tags):
            found.wheels.append(wheel)
            continue
        if not is_from_index(home):
            raise _refuse(home, wheel, python)
        if wheel is not None:
            wheel.unlink()
        wanted[name] = _pin(Requirement(name), home)  # an index may have another wheel of it, for the image
    found.requirements = sorted(map(str, wanted.values()))
    return found


def _gather(python: str) -> tuple[dict[str, Distribution], dict[str, Requirement]]:
    """Return the distributions whose code is sent, and what an index has.

    Sent are vecmill's and the plugins' own, and of all that they require what was not installed from an index.
    """
    sent = _plugins()
    wanted: dict[str, Requirement] = {}
    waiting: list[tuple[Distribution, frozenset[str]]] = [(home, frozenset()) for home in sent.values()]
    done: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        home, extras = waiting.pop()
        if (home.name, extras) in done:
            continue
        done.add((home.name, extras))
        for need in _iterate_requirements(home, extras, python):
            name, there = canonicalize_name(need.name), _find(need.name)
            if there is not None and (name in sent or not is_from_index(there)):
                sent[name] = there
                waiting.append((there, frozenset(need.extras)))
            else:
                wanted[name] = _pin(need, there, wanted.get(name))
    return sent, wanted


def _pin(need: Requirement, there: Distribution | None, other: Requirement | None = None) -> Requirement:
    """Return a requirement of the version that is here, with the extras of every one that asks for it.

    Of what is not here, the versions or the address that all of them ask for.
    """
    extras = sorted({*need.extras, *(other.extras if other is not None else ())})
    name = f"{need.name}[{','.join(extras)}]"
    if there is not None:
        return Requirement(f"{name}=={Version(there.version).public}")
    if url := need.url or (other.url if other is not None else None):
        return Requirement(f"{name} @ {url}")
    return Requirement(f"{name}{need.specifier & other.specifier if other is not None else need.specifier}")


def _plugins() -> dict[str, Distribution]:
    """Return vecmill's distribution, and those of the plugins that are in use, by name."""
    found: dict[str, Distribution] = {"vecmill": distribution("vecmill")}
    for point in _points():
        if point.dist is not None:
            found.setdefault(canonicalize_name(point.dist.name), point.dist)
    return found


def _points() -> list[EntryPoint]:
    """Return the entry points of the plugins that are in use and that packages bring."""
    in_use = load_plugins().loaded
    return [point for point in entry_points(group=PLUGIN_GROUP) if point.dist is not None and point.name in in_use]


def _iterate_requirements(home: Distribution, extras: frozenset[str], python: str) -> Iterator[Requirement]:
    """Yield what a distribution requires in an image."""
    image = {
        "implementation_name": "cpython",
        "os_name": "posix",
        "platform_machine": MACHINE,
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": "linux",
    }
    for need in map(Requirement, home.requires or ()):
        if need.marker is None or any(need.marker.evaluate({**image, "extra": extra}) for extra in ("", *extras)):
            yield need


def _find(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None  # it is needed there and not here


def _refuse(home: Distribution, wheel: Path | None, python: str) -> PluginError:
    what = f"{home.name} {home.version} cannot be installed in Modal's containers"
    if wheel is None:
        return PluginError(f"{what}: nothing says which files are its. Install it again with pip")
    return PluginError(
        f"{what}: its wheel is for {read_tag(wheel)}, and they have Python {python} on Linux {MACHINE}. Run this "
        f"command with Python {python} on Linux {MACHINE}, or publish wheels of it to an index: containers take theirs "
        "from there"
    )
