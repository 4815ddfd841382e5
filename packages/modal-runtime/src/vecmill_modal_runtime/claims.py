"""Claims: numbered entries for each edition of a Volume, in a Modal Dict; the last one's owner has the edition.

Of all who put an entry that is not there yet, the Dict lets one succeed, so a number has one owner. The number to
look from stands beside them: entries before it may be gone, none after it is passed over.
"""

from __future__ import annotations

import os
from typing import TypedDict

import modal

from vecmill_modal_runtime.volume import DEFAULT, NAME


class Entry(TypedDict):
    """What an owner says of itself, in types that every version reads.

    Attributes:
        by: What it does, and in which container.
        run: Its own, and nobody else's.
        input: What Modal calls the work; a container that takes the place of a dead one has the same.
        since: When it began, ISO 8601, UTC.
        beats: Its signs of life so far.
        over: Whether it has ended.
    """

    by: str
    run: str
    input: str
    since: str
    beats: int
    over: bool


def all_claims() -> modal.Dict:
    """Return the Dict of this container's Volume."""
    return modal.Dict.from_name(f"{os.environ.get(NAME, DEFAULT)[:57]}-claims", create_if_missing=True)


class Claims:
    """The entries of one edition.

    Args:
        edition: Its folder.
        entries: Of all editions.
    """

    def __init__(self, edition: str, entries: modal.Dict) -> None:
        self._edition = edition
        self._entries = entries

    def last(self) -> tuple[int, Entry | None]:
        """Return the last number and its entry; none if there never was one, or not for a week."""
        number: int = self._entries.get(self._edition, 0)
        entry = self.get(number)
        while (following := self.get(number + 1)) is not None:
            number, entry = number + 1, following
        return number, entry

    def get(self, number: int) -> Entry | None:
        """Return an entry."""
        found: Entry | None = self._entries.get(self._key(number))
        return found

    def put(self, number: int, entry: Entry) -> None:
        """Write an entry of one's own."""
        self._entries.put(self._key(number), entry)

    def add(self, number: int, entry: Entry) -> bool:
        """Put an entry after the one that was seen to be the last, and return whether it is the last now."""
        new = self._entries.put(self._key(number), entry, skip_if_exists=True)
        last = self.last()[1]
        if last is not None and last["run"] == entry["run"]:  # whether it was new or not: a put may be sent twice
            self._entries.put(self._edition, number)
            self._entries.pop(self._key(number - 1), None)
            return True
        if new:  # others have come and gone since the one before it was looked at
            self._entries.pop(self._key(number), None)
        return False

    def _key(self, number: int) -> str:
        return f"{self._edition} {number}"
