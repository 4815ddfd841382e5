"""Environment: accounts, packages and this machine, as ``doctor`` checks them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from vecmill.cli.format import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Check:
    """What was checked, and what was found.

    Attributes:
        name: What was checked.
        level: ``fail`` if a run on this machine needs it and lacks it; ``note`` for what may matter.
        found: What there is.
        hint: What to do about it.
    """

    name: str
    level: Literal["ok", "note", "fail"]
    found: str
    hint: str = ""


HUB, MODAL = "hub token", "modal token"
HUB_VARIABLES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_OIDC_RESOURCE")
MODAL_VARIABLES = ("MODAL_TOKEN_ID", "MODAL_TOKEN_SECRET")
LOGIN = "only for private or gated repositories and for publishing: hf auth login"
TIMEOUT_SECONDS = 5
OK, UNAUTHORIZED = 200, 401


def check_accounts() -> Iterator[Check]:
    """Look for tokens, and ask the Hub what its token may do."""
    yield _check_hub()
    if find_spec("modal") is not None:
        yield _check_modal()


def _check_hub() -> Check:
    try:
        from huggingface_hub import constants, get_token
    except ImportError:
        return Check(HUB, "note", "not checked: huggingface-hub is not installed")
    try:
        token = get_token()
    except OSError as error:
        return Check(HUB, "note", f"cannot be read ({error})", "set HF_HOME to a folder of yours, or HF_TOKEN")
    if token is None:
        return Check(HUB, "note", "none", LOGIN)
    location = f"in {constants.HF_TOKEN_PATH}"
    if any(os.environ.get(name) for name in HUB_VARIABLES):
        location = "set by the environment"
    if constants.HF_HUB_OFFLINE:
        return Check(HUB, "ok", f"{location}; not checked with the Hub, because HF_HUB_OFFLINE is set")
    return _ask_hub(token, location)


def _ask_hub(token: str, location: str) -> Check:
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session  # type: ignore[attr-defined]

    url, headers = f"{constants.ENDPOINT}/api/whoami-v2", {"Authorization": f"Bearer {token}"}
    try:
        answer = get_session().get(url, headers=headers, timeout=TIMEOUT_SECONDS)
        if answer.status_code == OK:
            return _describe_user(answer.json(), location)
        if answer.status_code == UNAUTHORIZED:
            return Check(HUB, "note", f"{location}; the Hub does not know it", "log in again: hf auth login")
        why = f"it answered {answer.status_code}"
    except Exception as error:  # noqa: BLE001 - which HTTP library's errors these are depends on the client's version
        why = clean_text(str(error)) or type(error).__name__
    return Check(
        HUB, "note", f"{location}; the Hub did not answer ({why})", "only models and datasets on the Hub need it"
    )


def _describe_user(user: dict[str, Any], location: str) -> Check:
    access = user["auth"]["accessToken"]
    found = f"{location}; {clean_text(str(user['name']))}"
    writable = [clean_text(name) for name in _list_writable(user, access)]
    if not writable:
        return Check(HUB, "ok", f"{found}, may read", "publishing needs one with write permission")
    return Check(HUB, "ok", f"{found}, may write to {', '.join(writable)}")


def _list_writable(user: dict[str, Any], access: dict[str, Any]) -> list[str]:
    """Return the namespaces, or for a fine-grained token the repositories in them, that a token may write to."""
    if access["role"] == "write":
        return [user["name"], *(org["name"] for org in user.get("orgs") or [])]
    scopes = (access.get("fineGrained") or {}).get("scoped") or []
    return [scope["entity"]["name"] for scope in scopes if "repo.write" in scope["permissions"]]


def _check_modal() -> Check:
    there = [name for name in MODAL_VARIABLES if os.environ.get(name)]
    if len(there) == 1:
        (missing,) = set(MODAL_VARIABLES).difference(there)
        return Check(MODAL, "note", f"{there[0]} is set, and {missing} is not", "set both, or neither")
    if there:
        return Check(MODAL, "ok", "set by the environment")
    path = Path(os.environ.get("MODAL_CONFIG_PATH") or "~/.modal.toml").expanduser()
    if path.is_file():
        return Check(MODAL, "ok", f"in {path}")
    return Check(MODAL, "note", "none", "only to run on Modal: modal setup")


CGROUP = Path("/sys/fs/cgroup")
MEMORY_LIMITS = ("memory.max", "memory/memory.limit_in_bytes")
MEMINFO = Path("/proc/meminfo")


def count_processors() -> int:
    """Return the number of processors this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def read_quota(root: Path = CGROUP) -> float | None:
    """Return how many processors' time a container may use; ``None`` if all of it."""
    try:
        allowed, period = (root / "cpu.max").read_text().split()
        return int(allowed) / int(period)
    except (OSError, ValueError):
        return None


def measure_memory(root: Path = CGROUP) -> int | None:
    """Return the bytes of memory this process may use, within a container's limit; ``None`` if it is not known."""
    known = [size for size in (_read_physical(), *map(_read_number, (root / name for name in MEMORY_LIMITS))) if size]
    return min(known, default=None)


def measure_free_memory(meminfo: Path = MEMINFO) -> int | None:
    """Return the bytes of memory that are free for use now; ``None`` if it is not known."""
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB", meminfo.read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None


def _read_physical() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _read_number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


EXTRA = "vecmill[local]"
"""What a run on this machine needs."""
LOCAL = f'pip install "{EXTRA}"'


class Package(NamedTuple):
    """A distribution, the module to import, and what to do if it is missing."""

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
    Package("vecmill-openvino", "vecmill_openvino"),
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


def check_packages() -> Iterator[Check]:
    """Look for every package, and import what is needed: a wheel for another processor is installed, but useless.

    Those that are needed and missing are left to ``missing``: one command installs them all.
    """
    trials = {package: _start_trial(package) for package in PACKAGES if package.needed and package.there}
    for package in PACKAGES:
        if package in trials:
            yield _judge_package(package, trials[package])
        elif package.there:
            yield Check(package.name, "ok", _find_version(package))
        elif not package.needed:
            yield Check(package.name, "note", "not installed", package.hint)


def list_missing() -> list[str]:
    """Return the packages that are needed and not installed."""
    return [package.name for package in PACKAGES if package.needed and not package.there]


def _start_trial(package: Package) -> subprocess.Popen[str]:
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


def _judge_package(package: Package, trial: subprocess.Popen[str]) -> Check:
    _, errors = trial.communicate()
    if trial.returncode == 0:
        return Check(package.name, "ok", _find_version(package))
    why = (errors.strip().splitlines() or [f"its import was killed by signal {-trial.returncode}"])[-1]
    hint = f"install it again: pip install --force-reinstall {package.name}"
    return Check(package.name, "fail", f"{_find_version(package)} cannot be imported: {why}", hint)


def _find_version(package: Package) -> str:
    try:
        return version(package.name)
    except PackageNotFoundError:
        return "(of unknown version)"
