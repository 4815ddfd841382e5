"""Leases: one run at a time works in a folder of the Volume, known by its heartbeat.

A Volume has no locks, so leases are entries of a Modal Dict. Of all who put an entry under a new key the Dict lets one
succeed, so each number of a folder has one owner. The owner counts heartbeats in its entry until its work is over. An
owner that was killed does not: who has watched its entry stand still for long enough, by its own clock, takes the next
number. Clocks of different machines are not compared. The Dict also has the number from which to search: entries before
it may be gone, and none after it is skipped.

The Dict's name, its keys and the fields of its entries are those of the first version: containers of an app that was
deployed with it and of a newer one may work on the same Volume.
"""

from __future__ import annotations

import contextlib
import contextvars
import os
import threading
import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self, TypedDict

import modal

from vecmill import protocols
from vecmill.concurrency import start_thread
from vecmill.errors import RunError, StoreError
from vecmill_modal_runtime import volume
from vecmill_modal_runtime.volume import DEFAULT, NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

BEAT_SECONDS = 5.0
"""Between two heartbeats of an owner."""
SILENT_SECONDS = 60.0
"""Without a heartbeat, after which an owner counts as dead: twelve that did not come."""


class Entry(TypedDict):
    """What an owner writes of itself, in types that every version reads.

    Attributes:
        by: What it does, and in which container.
        run: Its identifier, and nobody else's.
        input: What Modal calls the work; a container that replaces a dead one has the same.
        since: When it began, ISO 8601, UTC.
        beats: Its heartbeats so far.
        over: Whether it has ended.
    """

    by: str
    run: str
    input: str
    since: str
    beats: int
    over: bool


def open_entries() -> modal.Dict:
    """Return the Dict of this container's Volume; its name is that of the first version."""
    return modal.Dict.from_name(f"{os.environ.get(NAME, DEFAULT)[:57]}-claims", create_if_missing=True)


class FolderEntries:
    """The entries of one folder.

    Args:
        folder: The folder, from the Volume's root.
        entries: Of all folders.
    """

    def __init__(self, folder: str, entries: modal.Dict) -> None:
        self._folder = folder
        self._entries = entries

    def last(self) -> tuple[int, Entry | None]:
        """Return the last number and its entry; none if there never was one, or not for a week."""
        number: int = self._entries.get(self._folder, 0)
        entry = self.get(number)
        while (following := self.get(number + 1)) is not None:
            number, entry = number + 1, following
        return number, entry

    def get(self, number: int) -> Entry | None:
        """Return an entry."""
        found: Entry | None = self._entries.get(self._key(number))
        return found

    def put(self, number: int, entry: Entry) -> None:
        """Write an entry that the caller owns."""
        self._entries.put(self._key(number), entry)

    def add(self, number: int, entry: Entry) -> bool:
        """Put an entry after the one that was seen to be the last, and return whether it is the last now."""
        new = self._entries.put(self._key(number), entry, skip_if_exists=True)
        last = self.last()[1]
        if last is not None and last["run"] == entry["run"]:  # whether it was new or not: a put may be sent twice
            self._entries.put(self._folder, number)
            self._entries.pop(self._key(number - 1), None)
            return True
        if new:  # others have come and gone since the one before it was read
            self._entries.pop(self._key(number), None)
        return False

    def _key(self, number: int) -> str:
        return f"{self._folder} {number}"


class Lease:
    """One run's lease of a folder; the arguments are those of ``hold_lease``."""

    def __init__(self, folder: str, by: str, entries: modal.Dict) -> None:
        self._folder = folder
        self._entries = FolderEntries(folder, entries)
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
        """Take the folder, if nobody has it or who has it is dead.

        Raises:
            StoreError: Another run works in it.
        """
        self._number = self._wait_until_vacant(say) + 1
        if not self._entries.add(self._number, self._entry):
            raise self._refusal_error(self._entries.last()[1])

    def beat(self) -> None:
        """Write heartbeats until the work is over, or another run has taken the folder."""
        while not self._over.wait(BEAT_SECONDS) and not self._lost:
            with contextlib.suppress(Exception):  # a heartbeat that cannot be written is followed by another one
                self._lost = self._entries.get(self._number + 1) is not None
                self._write()

    def end(self) -> None:
        """Give the folder back. If that fails, the next run has to wait until this one counts as dead."""
        self._over.set()
        with contextlib.suppress(Exception):  # what was done is done
            self._write()

    def check(self) -> None:
        """End a run which counted as dead, so that another one has its folder.

        Raises:
            RunError: It did.
        """
        if self._lost:
            raise RunError(
                f"this container had no heartbeat for {SILENT_SECONDS:.0f} seconds, and another run has gone on with "
                f"{self._folder} meanwhile: it does the rest"
            )

    def _write(self) -> None:
        with self._writing:
            beats = self._entry["beats"] + 1
            self._entry = {**self._entry, "beats": beats, "over": self._over.is_set()}
            if not self._lost:
                self._entries.put(self._number, self._entry)

    def _wait_until_vacant(self, say: Callable[[str], None]) -> int:
        """Return the last number, when its owner has ended or is dead."""
        first = number, entry = self._entries.last()
        until = time.monotonic() + SILENT_SECONDS
        if self._is_held(entry):
            say(
                f"an earlier run of {self._folder} has not reported its end: waiting for a heartbeat, for "
                f"{SILENT_SECONDS:.0f} seconds at most"
            )
        while self._is_held(entry) and time.monotonic() < until:
            time.sleep(BEAT_SECONDS / 2)
            number, entry = self._entries.last()
            if self._is_held(entry) and (number, entry) != first:
                raise self._refusal_error(entry)
        return number

    def _is_held(self, entry: Entry | None) -> bool:
        return entry is not None and not entry["over"] and entry["input"] != (self._entry["input"] or None)

    def _refusal_error(self, owner: Entry | None) -> StoreError:
        who = f"{owner['by']}, since {owner['since']}" if owner else "one that began at this moment"
        return StoreError(
            f"another run works on {self._folder} ({who}): wait until it has ended, and run again; or end it first "
            "(`modal container list` says of which app it is, `modal app stop` ends that)"
        )


_held: contextvars.ContextVar[Mapping[str, Lease] | None] = contextvars.ContextVar("held", default=None)
"""The leases of this call, and of no other that works in the same container."""


@contextlib.contextmanager
def hold_lease(folder: str, by: str, say: Callable[[str], None], entries: modal.Dict | None = None) -> Iterator[Lease]:
    """Hold a folder. A call that holds it already, further out, goes on with that lease.

    Args:
        folder: The folder, from the Volume's root.
        by: What for, in a word.
        say: Takes a line when it takes long to find out whether an earlier owner is alive.
        entries: The Volume's entries.

    Raises:
        StoreError: Another run works in it, or Modal does not say.
    """
    held = _held.get() or {}
    if folder in held:
        yield held[folder]
        return
    lease = Lease(folder, by, open_entries() if entries is None else entries)
    try:
        lease.take(say)
    except modal.exception.Error as error:
        raise StoreError(f"Modal does not say whether another run works on {folder} ({error}): run again") from error
    beating = start_thread("heartbeat", lease.beat)
    mark = _held.set({**held, folder: lease})
    try:
        yield lease
    finally:
        _held.reset(mark)
        lease.end()
        beating.join(BEAT_SECONDS)


class FolderLease(protocols.Lease):
    """What ``vecmill.run`` enters: it sees what the run before left in the folder, and others see what it leaves.

    Args:
        folder: As a container sees it.
        by: What for, in a word.
        say: Takes a line when it takes long to find out whether an earlier owner is alive.

    Raises:
        ConfigError: The folder is not on the Volume.
    """

    def __init__(self, folder: Path, by: str, say: Callable[[str], None]) -> None:
        self._folder, self._by, self._say = volume.on_volume(folder), by, say
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self._lease = stack.enter_context(hold_lease(self._folder, self._by, self._say))
            volume.reload()
            stack.enter_context(volume.ending_with(volume.commit))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def check(self) -> None:
        """End the run if it counted as dead, so that another one has the folder.

        Raises:
            RunError: It did.
        """
        self._lease.check()
