"""Claim: one run at a time works on an edition, in whichever container of whichever app it is.

A Volume has no locks, so claims stand in a Dict of its name: numbered entries for each edition, of which the last
holds. Of all who put an entry that is not there yet, the Dict lets one succeed, so a number has one owner. An owner
counts up in its entry until its work is over. One that was killed does not; who has watched its entry for long
enough, by his own clock, takes the next number. Clocks of different machines are not compared.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypedDict

import modal

from vecmill.errors import RunError, StoreError
from vecmill.records import ShardDone
from vecmill_modal_runtime.volume import DEFAULT, NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vecmill.records import RunEvent

BEAT_SECONDS = 5.0
"""Between an owner's signs of life."""
SILENT_SECONDS = 60.0
"""Without a sign of life, after which an owner counts as dead: twelve that did not come."""


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


def claims(volume: str | None = None) -> modal.Dict:
    """Return the Dict with the claims on a Volume's editions."""
    return modal.Dict.from_name(f"{(volume or os.environ.get(NAME, DEFAULT))[:57]}-claims", create_if_missing=True)


@contextlib.contextmanager
def claimed(edition: str, by: str, say: Callable[[str], None], entries: modal.Dict | None = None) -> Iterator[Claim]:
    """Hold an edition.

    Args:
        edition: Its folder.
        by: What for, in a word.
        say: Told when it takes long to find out whether an earlier owner is alive.
        entries: The Volume's claims.

    Raises:
        StoreError: Another run works on it, or Modal does not say.
    """
    claim = Claim(claims() if entries is None else entries, edition, by)
    try:
        claim.take(say)
    except modal.exception.Error as error:
        raise StoreError(
            f"it cannot be found out whether another run works on {edition}: {error}. Run again"
        ) from error
    beating = threading.Thread(target=claim.beat, name="claim", daemon=True)
    beating.start()
    try:
        yield claim
    finally:
        claim.end()
        beating.join(BEAT_SECONDS)


class Claim:
    """One run's claim on an edition."""

    def __init__(self, entries: modal.Dict, edition: str, by: str) -> None:
        self._entries = entries
        self._edition = edition
        self._number = 0
        self._lost = False
        self._over = threading.Event()
        self._writing = threading.Lock()
        self._entry: Entry = {
            "by": f"{by} in container {os.environ.get('MODAL_TASK_ID', 'unknown')}",
            "run": uuid.uuid4().hex,
            "input": modal.current_input_id() or "",
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
            "beats": 0,
            "over": False,
        }

    def take(self, say: Callable[[str], None]) -> None:
        """Take the edition, if nobody has it or who has it is dead.

        Raises:
            StoreError: Another run works on it.
        """
        before = self._vacant(say)
        self._number = before + 1
        won = self._entries.put(self._key(self._number), self._entry, skip_if_exists=True)
        entry = self._last()[1]
        if entry is None or entry["run"] != self._entry["run"]:  # another was faster, or many since it was looked at
            if won:
                self._entries.pop(self._key(self._number), None)
            raise self._refused(entry)
        self._entries.put(self._edition, self._number)
        self._entries.pop(self._key(before), None)

    def beat(self) -> None:
        """Give signs of life until the work is over, or another run has taken the edition."""
        while not self._over.wait(BEAT_SECONDS) and not self._lost:
            with contextlib.suppress(Exception):  # a sign that cannot be given is followed by another one
                self._lost = self._get(self._number + 1) is not None
                self._write()

    def end(self) -> None:
        """Give the edition back. If that fails, the next run has to wait until this one counts as dead."""
        self._over.set()
        with contextlib.suppress(Exception):  # what was done is done
            self._write()

    def guarding(self, observe: Callable[[RunEvent], None]) -> Callable[[RunEvent], None]:
        """Return an observer that ends a run which counted as dead, so that another one has its edition.

        Args:
            observe: Told of everything else.
        """

        def tell(event: RunEvent) -> None:
            if self._lost and isinstance(event, ShardDone):
                raise RunError(
                    f"this container gave no sign of life for {SILENT_SECONDS:.0f} seconds, and another run has gone "
                    f"on with {self._edition} meanwhile: it does the rest"
                )
            observe(event)

        return tell

    def _write(self) -> None:
        with self._writing:
            beats = self._entry["beats"] + 1
            self._entry = {**self._entry, "beats": beats, "over": self._over.is_set()}
            if not self._lost:
                self._entries.put(self._key(self._number), self._entry)

    def _vacant(self, say: Callable[[str], None]) -> int:
        """Return the number of the last entry, when its owner has ended or is dead."""
        number, entry = self._last()
        seen, until = (number, entry and entry["beats"]), time.monotonic() + SILENT_SECONDS
        if self._held(entry):
            say(f"another run holds {self._edition}: up to {SILENT_SECONDS:.0f} seconds for a sign of life")
        while self._held(entry) and time.monotonic() < until:
            time.sleep(BEAT_SECONDS / 2)
            number, entry = self._last()
            if self._held(entry) and seen != (number, entry and entry["beats"]):
                raise self._refused(entry)
        return number

    def _held(self, entry: Entry | None) -> bool:
        return entry is not None and not entry["over"] and entry["input"] != (self._entry["input"] or None)

    def _last(self) -> tuple[int, Entry | None]:
        """Return the last entry and its number; those before it may be gone."""
        number: int = self._entries.get(self._edition, 0)
        entry = self._get(number)
        while (following := self._get(number + 1)) is not None:
            number, entry = number + 1, following
        return number, entry

    def _get(self, number: int) -> Entry | None:
        found: Entry | None = self._entries.get(self._key(number))
        return found

    def _key(self, number: int) -> str:
        return f"{self._edition} {number}"

    def _refused(self, holder: Entry | None) -> StoreError:
        who = f"{holder['by']}, since {holder['since']}" if holder else "one that began at this moment"
        return StoreError(
            f"another run works on {self._edition} ({who}): wait until it has ended, and run again; or end it first "
            "(`modal container list` says of which app it is, `modal app stop` ends that)"
        )
