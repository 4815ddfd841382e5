"""Repository metadata: the card and the manifest as the repository shows them, and which runs it keeps."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vecmill.errors import ConfigError
from vecmill.sanitize import escape_json, expand_path
from vecmill.store import RUNS, Location, format_card, list_runs, read_user_section
from vecmill_publishers.hub.preflight import CARD, MANIFEST, RUN

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from vecmill.records import FileEntry, Manifest
    from vecmill_publishers.hub.publisher import HubPublisher
    from vecmill_publishers.hub.remote import Remote, Stored


@dataclass(frozen=True, slots=True)
class Change:
    """What the last commit does.

    Attributes:
        texts: Small files to write, by path.
        gone: Folders of older runs, and files that do not belong to this one; files of others stay.
    """

    texts: dict[str, bytes]
    gone: list[str]

    @property
    def needed(self) -> bool:
        """Whether anything is to be done."""
        return bool(self.texts or self.gone)


class RepoMetadata:
    """The card and the manifest, which readers see first.

    Attributes:
        name: The run's folder and tag.
        folder: Where its shards go.
    """

    def __init__(self, options: HubPublisher.Config, remote: Remote, manifest: Manifest) -> None:
        self.name = manifest.published_name
        self.folder = f"data/{self.name}"
        self._options, self._remote = options, remote
        self._manifest = manifest

    def plan_change(self, sha: str, files: Mapping[str, Stored], expected: frozenset[str]) -> Change:
        """Return what is to be done to a commit, so that its readers read this run."""
        there = self._remote.read(sha, CARD).decode("utf-8", "replace") if CARD in files else ""
        keep = self._list_runs(there, files)
        texts = {CARD: self._card(there, keep, files), MANIFEST: self._repo_manifest()}
        ours = {path: found[1] for path in files if (found := RUN.fullmatch(path))}
        gone = {path for path, run in ours.items() if run not in keep or (run == self.name and path not in expected)}
        return Change(
            {path: data for path, data in texts.items() if path not in files or files[path].oid != _git_oid(data)},
            _join_folders(gone, files),
        )

    def _list_runs(self, there: str, files: Mapping[str, Stored]) -> list[str]:
        """Return the runs that stay, newest first."""
        older = [run for run in list_runs(there) if run != self.name and run in find_runs(files)]
        return [self.name, *older[: self._options.keep_runs - 1]]

    def _card(self, there: str, keep: list[str], files: Mapping[str, Stored]) -> bytes:
        section = read_user_text(self._options)
        if section is None:
            section = read_user_section(there) or ""
        text = format_card(self._manifest, self._describe_repo(files), section)
        return f"{text}\n{RUNS.format(' '.join(keep))}\n".encode()

    def _repo_manifest(self) -> bytes:
        """Return the manifest with the paths that files have in the repo, so that a copy of the repo verifies."""
        quarantine = self._manifest.quarantine
        moved = {
            "shards": [self._move_entry(entry) for entry in self._manifest.shards],
            "quarantine": self._move_entry(quarantine) if quarantine else None,
        }
        return escape_json(self._manifest.model_copy(update=moved).model_dump_json(indent=2)).encode() + b"\n"

    def _move_entry(self, entry: FileEntry) -> FileEntry:
        return entry.model_copy(update={"path": f"{self.folder}/{Path(entry.path).name}"})

    def _describe_repo(self, files: Mapping[str, Stored]) -> Location:
        options = self._options
        return Location(
            repo=self._remote.id,
            folder=self.folder,
            tag=self.name,
            variants={name: _bytes(files, f"{self.folder}/{name}/") for name in options.vectors},
            license=options.license,
            language=options.language,
            pretty_name=options.pretty_name,
        )


def find_runs(files: Mapping[str, Stored]) -> set[str]:
    """Return the names of the runs in a repo."""
    return {found[1] for found in map(RUN.fullmatch, files) if found}


def read_user_text(options: HubPublisher.Config) -> str | None:
    """Return the user's text for the card; ``None`` if the job names none.

    Raises:
        ConfigError: The file cannot be read.
    """
    if options.readme is None:
        return None
    try:
        return expand_path(options.readme).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"publisher.readme: {options.readme} cannot be read: {error}") from None


def _bytes(files: Mapping[str, Stored], folder: str) -> int:
    return sum(stored.size for path, stored in files.items() if path.startswith(folder))


def _join_folders(gone: Collection[str], files: Iterable[str]) -> list[str]:
    """Return a folder instead of its files where all of them go: a run may have thousands."""
    stay = {_top(path) for path in files if path not in gone}
    return sorted({path if _top(path) in stay else _top(path) for path in gone})


def _top(path: str) -> str:
    """Return the folder of a run that a file is in: ``data/run-…/``."""
    return "/".join(path.split("/")[:2]) + "/"


def _git_oid(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()  # noqa: S324 - git's own hash
