"""Dataset: a finished run, and where it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from vecmill.records.account import Account
    from vecmill.records.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Dataset:
    """A finished dataset.

    Attributes:
        path: Its folder.
        manifest: What it holds, and how it was made.
        published: Where publishers delivered it.
        fetch: The command that brings it here, if ``path`` is on another machine.
    """

    path: Path
    manifest: Manifest
    published: tuple[str, ...] = ()
    fetch: str | None = None

    @property
    def account(self) -> Account:
        """What went in and what came out."""
        return self.manifest.account
