"""Wheels: a distribution that is installed here, as the file from which pip installs the same one in an image.

What is installed in the usual way is packed again from its list of files: all of its modules, its namespaces, its data
and its metadata. What is installed as editable is built from its project.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import site
import sys
import zipfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from packaging.tags import Tag, compatible_tags, cpython_tags, parse_tag

from vecmill.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from importlib.metadata import Distribution

    from build import ProjectBuilder

MACHINE = "x86_64"
GLIBC = 35
"""The oldest glibc of the images' systems, 2.35: wheels for an older one run there."""
OLD_PLATFORMS = (f"manylinux2014_{MACHINE}", f"manylinux2010_{MACHINE}", f"manylinux1_{MACHINE}", f"linux_{MACHINE}")
OF_THIS_INSTALLATION = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"})
"""Metadata that says how it came here, and nothing of what it is."""
SITES = frozenset({"site-packages", "dist-packages"})
"""Where installers of a system put distributions; those of older ones lack the metadata of a wheel."""
SCRIPTS = frozenset({"bin", "Scripts"})
EPOCH = "315532800"
"""1980 in Unix time, for builders that write times: the same code is the same wheel, and so the same image."""


def image_tags(python: str) -> frozenset[Tag]:
    """Return the tags of wheels that run in an image.

    Args:
        python: Its version of Python, such as ``3.12``.
    """
    version = tuple(int(part) for part in python.split("."))
    interpreter = f"cp{version[0]}{version[1]}"
    platforms = [f"manylinux_2_{minor}_{MACHINE}" for minor in range(GLIBC, 4, -1)] + list(OLD_PLATFORMS)
    compiled = cpython_tags(version, abis=[interpreter], platforms=platforms)
    return frozenset(itertools.chain(compiled, compatible_tags(version, interpreter, platforms)))


def is_from_index(home: Distribution) -> bool:
    """Whether a distribution came from an index, rather than from a folder, a file or an address of the user's own.

    What conda installed counts as such: its note of an origin is of the machine that built it. Code that lies in its
    project's folder alone does not: an index may have something else by its name.
    """
    if home.read_text("direct_url.json") is None:
        return not _is_project(home)
    return _is_of_conda(home)


def make_wheel(home: Distribution, folder: Path) -> Path | None:
    """Write the wheel of a distribution into a folder; None if what is here makes none.

    That is where nothing says which files are its, and where conda has compiled it against libraries of its own.

    Raises:
        PluginError: A file of it is gone, or its project cannot be built.
    """
    project = _find_project(home)
    return _build(home, project, folder) if project is not None else _pack(home, folder)


def fits(wheel: Path, tags: frozenset[Tag]) -> bool:
    """Whether a wheel runs where these tags do."""
    return not tags.isdisjoint(parse_tag(read_tag(wheel)))


def read_tag(wheel: Path) -> str:
    """Return the tag in a wheel's name: ``py3-none-any``."""
    return "-".join(wheel.stem.rsplit("-", 3)[1:])


def _find_project(home: Distribution) -> Path | None:
    origin: dict[str, Any] = json.loads(home.read_text("direct_url.json") or "{}")
    if not origin.get("dir_info", {}).get("editable"):
        return None
    return Path(url2pathname(urlsplit(origin["url"]).path))


def _is_project(home: Distribution) -> bool:
    """Whether no installer put it where it is: ``setup.py develop`` did, or a path that leads to its code."""
    return home.read_text("WHEEL") is None and Path(str(home.locate_file(""))).name not in SITES


def _is_of_conda(home: Distribution) -> bool:
    return (home.read_text("INSTALLER") or "").strip() == "conda"


def _build(home: Distribution, project: Path, folder: Path) -> Path:
    """Build a project's wheel: with what is installed here if that is enough, else apart from it, as pip does."""
    import subprocess

    from build import BuildBackendException, BuildException, ProjectBuilder
    from build.env import DefaultIsolatedEnv

    try:
        here = ProjectBuilder(project, runner=_run)
        if _is_ready(here):
            return Path(here.build("wheel", folder))
        with DefaultIsolatedEnv() as apart:
            builder = ProjectBuilder.from_isolated_env(apart, project, runner=_run)
            apart.install(builder.build_system_requires)
            apart.install(builder.get_requires_for_build("wheel"))
            return Path(builder.build("wheel", folder))
    except (BuildBackendException, BuildException, OSError, subprocess.CalledProcessError) as error:
        output = getattr(error, "output", b"") or getattr(getattr(error, "exception", None), "output", b"") or b""
        last = [line for line in output.decode(errors="replace").splitlines() if line.strip()][-1:]
        raise PluginError(
            f"{home.name} {home.version} is installed from {project}, and its wheel for Modal cannot be built there: "
            f"{last[0] if last else error}. `pip wheel --no-deps {project}` shows more"
        ) from error


def _is_ready(builder: ProjectBuilder) -> bool:
    """Whether all that a project is built with is installed here; its backend is asked only if it is."""
    from build import check_dependency

    lacking = (miss for need in builder.build_system_requires for miss in check_dependency(need))
    return not any(lacking) and not builder.check_dependencies("wheel")


def _run(cmd: Sequence[str], cwd: str | None = None, extra_environ: Mapping[str, str] | None = None) -> None:
    from pyproject_hooks import quiet_subprocess_runner

    quiet_subprocess_runner(list(cmd), cwd, {**(extra_environ or {}), "SOURCE_DATE_EPOCH": EPOCH})


def _pack(home: Distribution, folder: Path) -> Path | None:
    """Put what is installed back into the wheel that it came from."""
    metadata = home.read_text("WHEEL")
    found = [file for file in home.files or () if file.name == "WHEEL" and file.parent.name.endswith(".dist-info")]
    if metadata is None or not found:
        return None
    if _is_of_conda(home) and not _join_tags(metadata).endswith("-none-any"):
        return None
    info = found[0].parent.name
    target = folder / f"{info.removesuffix('.dist-info')}-{_join_tags(metadata)}.whl"
    lines = []
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, path in sorted(_list_files(home, info)):
            content = path.read_bytes()
            mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            wheel.writestr(_entry(name, mode), content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            lines.append(f"{_quote(name)},sha256={digest},{len(content)}\n")
        wheel.writestr(_entry(f"{info}/RECORD", 0o644), "".join([*lines, f"{info}/RECORD,,\n"]))
    return target


def _list_files(home: Distribution, info: str) -> Iterator[tuple[str, Path]]:
    """Yield a distribution's files, each with its name in a wheel; scripts are made from the entry points again."""
    for file in home.files or ():
        path, name = Path(str(home.locate_file(file))), PurePosixPath(file.as_posix())
        if "__pycache__" in name.parts or (name.parent.name == info and name.name in OF_THIS_INSTALLATION):
            continue
        if not path.is_file():
            raise PluginError(f"{path} of {home.name} {home.version} is gone: install {home.name} again")
        if ".." not in name.parts:
            yield str(name), path
            continue
        resolved = path.resolve()
        prefixes = (Path(prefix).resolve() for prefix in (sys.prefix, site.getuserbase()))
        prefix = next((prefix for prefix in prefixes if resolved.is_relative_to(prefix)), None)
        if prefix is not None and resolved.relative_to(prefix).parts[0] not in SCRIPTS:
            data = resolved.relative_to(prefix).as_posix()
            yield f"{info.removesuffix('.dist-info')}.data/data/{data}", path


def _join_tags(metadata: str) -> str:
    """Return the tag for a wheel's name that stands for all that its metadata has."""
    tags = [line.partition(":")[2].strip().split("-") for line in metadata.splitlines() if line.startswith("Tag:")]
    return "-".join(".".join(dict.fromkeys(parts)) for parts in zip(*tags, strict=True))


def _entry(name: str, mode: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = mode << 16
    return entry


def _quote(name: str) -> str:
    return f'"{name}"' if "," in name else name
