"""State: a branch as it was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from vecmill_publishers.hub.upload import Stored


class Head(NamedTuple):
    """The last commit of a branch; ``sha`` is empty if there is no such branch yet."""

    sha: str
    private: bool


class State(NamedTuple):
    """A head, and its files by path; no head if there is no such repo yet."""

    head: Head | None
    files: dict[str, Stored]

    @property
    def sha(self) -> str:
        """The commit; empty if there is no such branch yet."""
        return self.head.sha if self.head else ""
