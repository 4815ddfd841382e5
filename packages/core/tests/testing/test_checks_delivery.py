"""The check of publishers: one that changes only its own files passes, and others are caught."""

import pyarrow.parquet as pq
import pytest

from small_dataset import small_dataset
from vecmill import Options, Publisher, verify
from vecmill.errors import PublishError
from vecmill.store.destination import check_files
from vecmill.testing import check_delivery
from vecmill.testing.checks import _damage, _shrink

PLACES = {}
"""What is where: whose it is, and rows."""


class Shelf(Publisher["Shelf.Config"]):
    """Keeps rows in this process."""

    name = "shelf"

    class Config(Options):
        """Which place."""

        key: str

    def check(self):
        """Refuse a place of somebody else's."""
        if PLACES.get(self.config.key, ("ours",))[0] != "ours":
            raise PublishError("somebody else's: choose another place")

    def publish(self, dataset, manifest):
        """Take in all rows at once."""
        self.check()
        check_files(dataset, manifest)
        PLACES[self.config.key] = ("ours", self.rows(dataset, manifest))
        return self.config.key

    def rows(self, dataset, manifest):
        """Read them."""
        tables = [pq.read_table(dataset / shard.path) for shard in manifest.shards]
        return [row for t in tables for row in zip(t["id"].to_pylist(), t["chunk_index"].to_pylist(), strict=True)]


class Careless(Shelf):
    """Looks at nothing before the work."""

    def check(self):
        """Say yes."""

    def publish(self, dataset, manifest):
        """Look when it is done."""
        Shelf.check(self)
        return super().publish(dataset, manifest)


class Greedy(Shelf):
    """Takes any place when the work is done."""

    def publish(self, dataset, manifest):
        """Write over what is there."""
        check_files(dataset, manifest)
        PLACES[self.config.key] = ("ours", self.rows(dataset, manifest))
        return self.config.key


class Vandal(Shelf):
    """Leaves a note where it is refused."""

    def check(self):
        """Write it."""
        if self.config.key == "occupied":
            PLACES["occupied"] = ("theirs", ["a note"])
        super().check()


class Hoarder(Shelf):
    """Never lets go of a row."""

    def rows(self, dataset, manifest):
        """Add those that are there."""
        return sorted({*PLACES.get(self.config.key, ("", ()))[1], *super().rows(dataset, manifest)})


class Loser(Shelf):
    """Forgets a row."""

    def rows(self, dataset, manifest):
        """Leave out the last."""
        return super().rows(dataset, manifest)[:-1]


class Trusting(Shelf):
    """Reads before it looks whether it should."""

    def publish(self, dataset, manifest):
        """Take in what can be read."""
        self.check()
        rows = Shelf.rows(self, dataset, manifest.model_copy(update={"shards": manifest.shards[:1]}))
        PLACES[self.config.key] = ("ours", rows)
        return super().publish(dataset, manifest)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """A dataset in several shards."""
    return small_dataset(tmp_path_factory.mktemp("made"), 40)


def test_what_it_publishes_is_lawful_but_for_the_damage(dataset, tmp_path):
    """A publisher may verify what it is given: the smaller dataset is one that a run could have made."""
    assert verify(_shrink(dataset, tmp_path / "smaller").path).faults == []
    last = dataset.manifest.shards[-1].path
    assert [fault.path for fault in verify(_damage(dataset, tmp_path / "damaged").path).faults] == [last]


def check(cls, dataset):
    """Run the check on a publisher of this class."""
    PLACES.clear()
    PLACES["occupied"] = ("theirs", ["a row"])
    places = [cls(cls.Config(key=key)) for key in ("free", "occupied")]
    check_delivery(places[0], dataset, lambda: PLACES["free"][1], places[1], lambda: PLACES["occupied"])


def test_a_publisher_that_keeps_to_its_own_things_passes(dataset):
    """And the dataset is there in the end."""
    check(Shelf, dataset)
    assert len(PLACES["free"][1]) == dataset.account.chunks


@pytest.mark.parametrize(
    ("cls", "fault"),
    [
        (Careless, r"check\(\) takes a destination that somebody else"),
        (Greedy, r"publish\(\) takes a destination that somebody else"),
        (Vandal, "was touched"),
        (Hoarder, "after a smaller dataset readers find .* rows that are not its own"),
        (Loser, "lack 1 of"),
        (Trusting, "after one with a damaged shard was refused readers find .* and lack"),
    ],
)
def test_one_that_does_not_is_caught(dataset, cls, fault):
    """With what it broke."""
    with pytest.raises(AssertionError, match=fault):
        check(cls, dataset)


def test_one_that_looks_at_no_hash_is_caught(dataset, monkeypatch):
    """A bit of a damaged shard is another, and what it says can be read all the same."""
    monkeypatch.setitem(globals(), "check_files", lambda *_: None)
    monkeypatch.setattr(Shelf, "rows", lambda self, dataset, manifest: [])
    with pytest.raises(AssertionError, match=r"publish\(\) takes a dataset with a damaged shard"):
        check(Shelf, dataset)


def test_a_dataset_of_one_shard_is_too_small(tmp_path):
    """It cannot shrink."""
    with pytest.raises(AssertionError, match=r"a smaller shards\.target_mb"):
        check(Shelf, small_dataset(tmp_path, 1))
