"""Mirror: a finished dataset copied into a folder, where its readers see the old one or the new one.

A folder is taken if it is empty, or if vecmill knows it for a copy of the same dataset. What is to come is copied
next to what is there, and hashed on the way. When all of it is there, the old manifest is removed, then the files that
are no longer part, and the new files are moved to their paths, the manifest last.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from vecmill.concurrency import check_interrupt
from vecmill.errors import StoreError
from vecmill.store.card import format_card, read_user_section, replace_user_section
from vecmill.store.destination import (
    SHARD,
    MirrorNote,
    check_folder,
    clear,
    hash_folder,
    hash_recipe,
    hash_text,
    is_same_folder,
    list_parquet_files,
    lock_folder,
    may_hold,
    read_note,
    refuse_foreign_folder,
    refuse_unwritable,
)
from vecmill.store.files import (
    atomic,
    manifest_content,
    read_local_options,
    read_manifest,
    read_text,
    remove_file,
    write_bytes,
    write_json,
)
from vecmill.store.layout import Layout
from vecmill.store.state import clear_state, intact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from vecmill.records import FileEntry, Manifest

BLOCK = 1 << 20
REPORTED_BYTES = 100_000_000
"""A copy of less is over before anybody has read how far it is."""
SHOWN = 3


class Mirror:
    """A folder that takes copies of datasets.

    Args:
        root: The folder; it need not be there.
        force: Replace another dataset of vecmill's. What vecmill did not write is never touched.
    """

    def __init__(self, root: Path, *, force: bool = False) -> None:
        self._layout = Layout(root)
        self._force = force

    def check(self) -> None:
        """Refuse, before the work, a folder that could not take a dataset.

        Raises:
            StoreError: It cannot be written, or holds what vecmill did not write.
        """
        check_folder(self._layout)

    def is_at(self, dataset: Path) -> bool:
        """Whether a dataset is in this very folder, however either of them is written."""
        return is_same_folder(dataset, self._layout.root)

    def preview(self, dataset: Path, manifest: Manifest) -> Iterator[str]:
        """Yield in lines what ``receive`` would do now.

        Raises:
            StoreError: It would refuse.
        """
        if self.is_at(dataset):
            return
        root = self._layout.root
        self._admit(dataset, manifest)
        missing, gone = self._missing(manifest), self._list_gone(manifest)
        if missing:
            yield f"write {_count(missing)} of {dataset} to {root}"
        if gone:
            yield f"remove {_count(gone)} of {root} that {'is' if len(gone) == 1 else 'are'} no longer part of it"
        if missing or gone or not self._says(dataset, manifest):
            yield f"write the card and the manifest of {root}"

    def receive(self, dataset: Path, manifest: Manifest, sent: Callable[[int, int], None]) -> None:
        """Make the folder a copy of a dataset; called again after a failure, it goes on where it was.

        Args:
            dataset: The dataset's folder.
            manifest: Its manifest.
            sent: Told how many bytes are there, and how many there are, while a long copy goes on.

        Raises:
            StoreError: The folder holds something else, a file of the dataset is damaged, or one cannot be written.
        """
        if self.is_at(dataset):
            return
        self._refuse_nested(dataset)
        with lock_folder(self._layout):
            self._admit(dataset, manifest)
            note = self._begin(dataset, manifest)
            missing = self._missing(manifest)
            self._stage(dataset, missing, sum(entry.bytes for entry in _files(manifest)), sent)
            self._switch(dataset, manifest, missing, note)

    def _admit(self, dataset: Path, manifest: Manifest) -> None:
        """Refuse what must not be replaced, and what must not be copied."""
        self._refuse_nested(dataset)
        refuse_unwritable(self._layout.root)
        refuse_foreign_folder(self._layout)
        odd = [entry.path for entry in _files(manifest) if not may_hold(entry.path)]
        if odd:
            raise StoreError(f"{dataset} is not copied: no file of a dataset is at {odd[0]}")
        if not self._force:
            self._refuse_others(dataset, manifest)
        self._refuse_strange_files(manifest)

    def _refuse_nested(self, dataset: Path) -> None:
        root = self._layout.root
        if _within(root, dataset) or _within(dataset, root) or is_same_folder(self._layout.data, Layout(dataset).data):
            raise StoreError(
                f"{root} and {dataset}, which is to be copied there, have files in common: choose another folder"
            )

    def _refuse_others(self, dataset: Path, manifest: Manifest) -> None:
        """Refuse a folder that is not a copy of what the dataset is the next of: it may be the only one there is."""
        found, note = read_manifest(self._layout), read_note(self._layout)
        if self._layout.run.exists():
            what = "a run that is not finished"
        elif found is not None and found.run_id != manifest.run_id:
            what = f"the run {found.run_id} of {found.timing.finished[:10]}"
        elif found is None and note is not None and note.run_id != manifest.run_id:
            what = f"a copy of the run {note.run_id} that is not finished"
        else:
            return
        if not self._layout.run.exists() and note is not None and note.follows(dataset, manifest):
            return
        raise StoreError(
            f"{self._layout.root} holds {what}, and not an earlier copy of {dataset}: choose another folder, or "
            "publish with force = true to replace it"
        )

    def _refuse_strange_files(self, manifest: Manifest) -> None:
        """Refuse a folder with files that vecmill did not write, where they would be replaced, or read as ours."""
        root, ours = self._layout.root, self._ours()
        there = {entry.path for entry in _files(manifest) if os.path.lexists(root / entry.path)}
        foreign = sorted(
            path for path in {*there, *list_parquet_files(self._layout)} - ours if not SHARD.fullmatch(path)
        )
        if foreign:
            raise StoreError(
                f"{root} holds files that vecmill did not write ({', '.join(foreign[:SHOWN])}): move them away, or "
                "choose another folder"
            )

    def _ours(self) -> set[str]:
        """Return the files of the copy that is there, and of one that was begun."""
        found, note = read_manifest(self._layout), read_note(self._layout)
        named = [entry.path for entry in _files(found)] if found else []
        return {path for path in [*named, *(note.files if note else ())] if may_hold(path)}

    def _missing(self, manifest: Manifest) -> list[FileEntry]:
        """Return the files that are not there as they should be; a link to one is none."""
        return [entry for entry in _files(manifest) if not self._has_arrived(entry)]

    def _has_arrived(self, entry: FileEntry) -> bool:
        return not (self._layout.root / entry.path).is_symlink() and intact(self._layout, entry)

    def _list_gone(self, manifest: Manifest) -> list[str]:
        """Return the files that are there and no longer part of the dataset."""
        wanted = {entry.path for entry in _files(manifest)}
        shards = {path for path in list_parquet_files(self._layout) if SHARD.fullmatch(path)}
        there = [path for path in self._ours() | shards if os.path.lexists(self._layout.root / path)]
        return sorted(path for path in there if path not in wanted)

    def _begin(self, dataset: Path, manifest: Manifest) -> MirrorNote:
        """Write down whose the files are that are about to come, and those that are there."""
        if self._layout.run.exists():
            clear(self._layout)  # with force alone
        old = read_note(self._layout)
        wanted = [entry.path for entry in _files(manifest)]
        note = MirrorNote(
            run_id=manifest.run_id,
            folder=hash_folder(dataset),
            recipe=hash_recipe(manifest),
            files=tuple(sorted({*wanted, *self._ours()})),
            user_section=old.user_section if old else "",
        )
        if note != old:
            write_json(self._layout, self._layout.mirror, note)
        return note.model_copy(update={"files": tuple(sorted(wanted))})

    def _stage(self, dataset: Path, missing: list[FileEntry], total: int, sent: Callable[[int, int], None]) -> None:
        """Copy what is missing next to what is there; what an earlier try copied is not copied again."""
        incoming = Layout(self._layout.incoming)
        left = sum(entry.bytes for entry in missing)
        report = sent if left >= REPORTED_BYTES else _ignore
        report(total - left, total)
        for entry in missing:
            if not intact(incoming, entry):
                self._copy(dataset / entry.path, incoming.root / entry.path, entry)
            left -= entry.bytes
            report(total - left, total)

    def _copy(self, source: Path, target: Path, entry: FileEntry) -> None:
        damaged = StoreError(
            f"{source} is missing, changed or damaged, so nothing in {self._layout.root} was replaced: run its job "
            "again, which makes it again"
        )
        with atomic(target, self._layout.temporary) as file:
            for block in _blocks(source, damaged):
                file.write(block)
            if (file.size, file.sha256) != (entry.bytes, entry.sha256):
                raise damaged

    def _switch(self, dataset: Path, manifest: Manifest, missing: list[FileEntry], note: MirrorNote) -> None:
        """Replace what is there by what was copied; meanwhile there is no manifest."""
        layout, gone = self._layout, self._list_gone(manifest)
        text, user_section = self._card(dataset, manifest, note)
        if missing or gone or not self._says(dataset, manifest):
            remove_file(layout.manifest)
        for path in gone:
            remove_file(layout.root / path)
        for entry in missing:
            self._move(layout.incoming / entry.path, layout.root / entry.path)
        lost = [entry.path for entry in _files(manifest) if not (layout.root / entry.path).is_file()]
        if lost:
            raise StoreError(f"{layout.root / lost[0]} was removed since it was copied: publish again to go on")
        if not layout.card.is_file() or layout.card.read_bytes() != text:
            write_bytes(layout.card, layout.temporary, text)
        if not layout.manifest.is_file():
            write_bytes(layout.manifest, layout.temporary, manifest_content(Layout(dataset), manifest))
        self._end(manifest, note.model_copy(update={"user_section": user_section}))

    def _end(self, manifest: Manifest, note: MirrorNote) -> None:
        """Remove what was needed to go on, and what the folder knew of a run that was made in it."""
        layout = self._layout
        if note != read_note(layout):
            write_json(layout, layout.mirror, note)
        if read_local_options(layout).run_id != manifest.run_id:
            remove_file(layout.local_options)
        remove_file(layout.sent)
        clear_state(layout)

    def _says(self, dataset: Path, manifest: Manifest) -> bool:
        """Whether the manifest that is there is this one, to the last byte."""
        try:
            return self._layout.manifest.read_bytes() == manifest_content(Layout(dataset), manifest)
        except OSError:
            return False

    def _move(self, source: Path, target: Path) -> None:
        remove_file(target)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(source, target)  # its folder may be a link to another disk
        except OSError as error:
            raise StoreError(f"cannot write {target}: {error.strerror or error}") from error

    def _card(self, dataset: Path, manifest: Manifest, note: MirrorNote) -> tuple[bytes, str]:
        """Return the dataset's card, and the hash of its user's part: that of the copy, if it was written there."""
        text = read_text(Layout(dataset).card) or format_card(manifest)
        here = read_user_section(read_text(self._layout.card)) or ""
        if here and hash_text(here) != note.user_section:
            return replace_user_section(text, here).encode(), note.user_section
        return text.encode(), hash_text(read_user_section(text) or "")


def _ignore(done: int, total: int) -> None:
    """Report nothing."""


def _files(manifest: Manifest) -> list[FileEntry]:
    return [*manifest.shards, *([manifest.quarantine] if manifest.quarantine else [])]


def _blocks(path: Path, damaged: StoreError) -> Iterator[bytes]:
    if not path.is_file():  # a pipe, say, which nobody may ever write to
        raise damaged
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                check_interrupt()
                yield block
    except OSError as error:
        raise damaged from error


def _within(inner: Path, outer: Path) -> bool:
    return any(is_same_folder(parent, outer) for parent in inner.resolve().parents)


def _count(files: list[FileEntry] | list[str]) -> str:
    return f"{len(files)} file{'s' * (len(files) != 1)}"
