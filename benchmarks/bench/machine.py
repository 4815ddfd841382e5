"""Machine: what the results were seen on."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

_TELLING = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
_PACKAGES = ("vecmill", "openvino", "numpy", "pyarrow", "tokenizers", "tokie")


def describe() -> dict[str, Any]:
    """Return the date, the processor, how much of it there is, how busy it was, and the versions of what was run."""
    listing = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").is_file() else ""
    facts = dict(line.split(":", 1) for line in listing.splitlines() if ":" in line)
    facts = {key.strip(): value.strip() for key, value in facts.items()}
    flags = set(facts.get("flags", "").split())
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "processor": facts.get("model name", platform.processor()),
        "family": f"{facts.get('cpu family', '?')}/{facts.get('model', '?')}/{facts.get('stepping', '?')}",
        "features": [name for name in _TELLING if name in flags],
        "processors": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in _PACKAGES},
    }


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
