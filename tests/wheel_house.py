"""Wheel house: distributions for tests, as an installer leaves them in a folder."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def install(  # noqa: PLR0913 - a distribution has that many parts
    site: Path,
    name: str,
    files: Mapping[str, str | bytes],
    *,
    entry_point: str = "",
    tag: str = "py3-none-any",
    requires: tuple[str, ...] = (),
    origin: Mapping[str, object] | None = None,
) -> Path:
    """Install a distribution, version 1.0, and return its metadata's folder.

    Args:
        site: Where.
        name: Its name, which is its plugin's too.
        files: Its files by their path, with their content.
        entry_point: The module of its plugin, if it has one.
        tag: What its wheel was for.
        requires: What it requires.
        origin: Where it was installed from, if not from an index: what stands in ``direct_url.json``.
    """
    info = f"{name}-1.0.dist-info"
    need = "".join(f"Requires-Dist: {line}\n" for line in requires)
    contents: dict[str, str | bytes] = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{need}",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    if entry_point:
        contents[f"{info}/entry_points.txt"] = f"[vecmill]\n{name} = {entry_point}\n"
    if origin is not None:
        contents[f"{info}/direct_url.json"] = json.dumps(origin)
    record = []
    for path, content in contents.items():
        data = content.encode() if isinstance(content, str) else content
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_bytes(data)
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record.append(f'"{path}",sha256={digest},{len(data)}\n')
    (site / info / "RECORD").write_text("".join([*record, f"{info}/RECORD,,\n"]))
    return site / info
