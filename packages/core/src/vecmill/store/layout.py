"""Layout: where everything is in a dataset folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of a dataset folder. ``state`` is there until all is done and no document waits."""

    root: Path

    @property
    def manifest(self) -> Path:
        """The last file a run writes: with it, the dataset is finished."""
        return self.root / "manifest.json"

    @property
    def card(self) -> Path:
        """The dataset card."""
        return self.root / "README.md"

    @property
    def quarantine(self) -> Path:
        """What was not embedded, and why."""
        return self.root / "quarantine.parquet"

    @property
    def data(self) -> Path:
        """The folder of shards."""
        return self.root / "data"

    @property
    def state(self) -> Path:
        """What an unfinished run needs to go on."""
        return self.root / ".vecmill"

    @property
    def run(self) -> Path:
        """Which run is unfinished here."""
        return self.state / "run.json"

    @property
    def split(self) -> Path:
        """How that run is cut into shards."""
        return self.state / "split.json.gz"

    @property
    def lock(self) -> Path:
        """Held by the command that works in this folder."""
        return self.root / ".vecmill.lock"

    @property
    def holder(self) -> Path:
        """Which lock outside of this folder is held by the command that works in it, if it is not ``lock``."""
        return self.root / ".vecmill.holder.json"

    @property
    def sent(self) -> Path:
        """Which shards workers have sent, until the dataset is published; it outlives the state."""
        return self.root / ".vecmill.sent.json"

    @property
    def local_options(self) -> Path:
        """Where the dataset's model is on this machine; no publisher takes it along."""
        return self.root / ".vecmill.places.json"

    @property
    def mirror(self) -> Path:
        """Says of a copy of a dataset what it is a copy of; the original has none."""
        return self.root / ".vecmill.mirror.json"

    @property
    def incoming(self) -> Path:
        """Files of a copy that is not complete yet."""
        return self.state / "incoming"

    @property
    def temporary(self) -> Path:
        """Files being written; safe to delete when nobody holds the lock."""
        return self.state / "tmp"

    @property
    def earlier(self) -> Path:
        """Where the documents of an earlier dataset are, if its vectors are used again."""
        return self.state / "earlier.npy"

    @property
    def earlier_rows(self) -> Path:
        """Shards of an earlier dataset, laid out to be read row by row."""
        return self.state / "earlier"

    @property
    def refused(self) -> Path:
        """Which earlier datasets were found to hold other vectors than the model gives."""
        return self.state / "refused.json"

    def shard(self, index: int, count: int) -> Path:
        """Return the path of a shard."""
        return self.data / f"train-{index:05d}-of-{count:05d}.parquet"

    def receipt(self, index: int) -> Path:
        """Return the path of a shard's receipt."""
        return self.state / "receipts" / f"{index:05d}.json"

    def shard_quarantine(self, index: int) -> Path:
        """Return the path of the documents that a shard quarantined."""
        return self.state / "quarantine" / f"{index:05d}.parquet"

    def ids(self, index: int) -> Path:
        """Return the path of the hashes of a shard's document ids."""
        return self.state / "ids" / f"{index:05d}.npy"

    def relative(self, path: Path) -> str:
        """Return a path as a manifest names it."""
        return path.relative_to(self.root).as_posix()
