"""Tests of vecmill.testing.checks: each check passes what is right and catches what is wrong."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from vecmill import Chunker, Options, Partition, Publisher, Source, Span, run
from vecmill.errors import PluginError
from vecmill.records import Publishing
from vecmill.testing import HashEmbedder, check_chunker, check_embedder, check_publisher, check_source


class Whole(Chunker[Options]):
    """One chunk for each document."""

    name = "whole"

    def spans(self, document):
        """Return all of it."""
        return [Span(0, len(document.text))]


class Trimmed(Whole):
    """Forgets the last character."""

    def spans(self, document):
        """Return almost all of it."""
        return [Span(0, max(1, len(document.text) - 1))]


class Headed(Whole):
    """Takes the first words of the text for a title."""

    template = "{title}: {text}"

    def title(self, document):
        """Return the beginning of the text."""
        return document.text[:10]


class Moody(Whole):
    """Cuts differently each time."""

    turn = 0

    def spans(self, document):
        """Cut in one or two."""
        self.turn += 1
        middle = len(document.text) // 2
        halves = [Span(0, middle), Span(middle, len(document.text))]
        return halves if self.turn % 2 and middle else super().spans(document)


def test_a_lawful_chunker_passes():
    """Nothing is found in a chunker that keeps every document whole."""
    check_chunker(Whole)


def test_a_chunker_that_loses_text_or_changes_its_mind_is_caught():
    """Lost characters and unrepeatable cuts are found."""
    with pytest.raises(PluginError, match="left out"):
        check_chunker(Trimmed)
    with pytest.raises(AssertionError, match="cut text"):
        check_chunker(Moody)
    with pytest.raises(AssertionError, match="title depends"):
        check_chunker(Headed)


class Numbers(Source[Options]):
    """A hundred small documents."""

    name = "numbers"
    step = 10

    def fingerprint(self):
        """Return a constant."""
        return "numbers"

    def partitions(self, target_bytes):
        """Split in one or in tens."""
        step = 100 if target_bytes > 10**6 else self.step
        for start in range(0, 100, step):
            yield Partition(where={"start": start, "stop": min(100, start + step)}, documents=step)

    def read(self, partition):
        """Yield a batch."""
        names = [str(n) for n in range(partition.where["start"], partition.where["stop"])]
        yield pa.record_batch({"id": names, "text": names})


class Lossy(Numbers):
    """Loses documents when it is split."""

    def read(self, partition):
        """Forget the last one."""
        for batch in super().read(partition):
            yield batch if partition.where["stop"] == 100 else batch.slice(0, batch.num_rows - 1)


class Fickle(Numbers):
    """Carries a column along in some parts only."""

    def read(self, partition):
        """Add it to the last."""
        for batch in super().read(partition):
            yield batch.append_column("n", batch.column("id")) if partition.where["stop"] == 100 else batch


def test_a_source_must_give_the_same_documents_however_it_is_split():
    """A source that splits well passes with its count; one that loses rows, or a column here and there, is caught."""
    assert check_source(Numbers(Options())) == 100
    with pytest.raises(AssertionError, match="splitting"):
        check_source(Lossy(Options()))
    with pytest.raises(AssertionError, match="extra columns"):
        check_source(Fickle(Options()))


class Other(Numbers):
    """Yields what it is told to."""

    def __init__(self, batch):
        super().__init__(Options())
        self.batch = batch

    def read(self, partition):
        """Yield it, whatever the partition."""
        yield self.batch


@pytest.mark.parametrize(
    ("batch", "error", "said"),
    [
        (pa.table({"id": ["1"], "text": ["a"]}), PluginError, "gave Table, not RecordBatch"),
        (pa.record_batch({"text": ["a"]}), AssertionError, "not id and text"),
        (pa.record_batch({"id": [1], "text": ["a"]}), PluginError, "has int64, not strings, in its column 'id'"),
    ],
)
def test_a_batch_that_no_run_could_take_is_caught(batch, error, said):
    """Something else than a batch, a column that is missing, one that holds no strings."""
    with pytest.raises(error, match=said):
        check_source(Other(batch))


class Placed(Options):
    """Options of which some are paths."""

    folder: str = "."
    words: Path | None = None


def test_an_option_that_leads_somewhere_and_is_not_declared_is_pointed_out():
    """Of a source, a chunker and an embedder; a name, a path of this folder and what is declared are let be."""
    declared = frozenset({"folder", "words"})
    source: Any = type("Stored", (Numbers,), {"Config": Placed})
    chunker: Any = type("Stored", (Whole,), {"Config": Placed})
    embedder: Any = type("Stored", (HashEmbedder,), {"Config": type("Config", (HashEmbedder.Config, Placed), {})})
    for folder in ("/home/jane", "~/corpus", "..", "C:\\Users\\jane"):
        with pytest.raises(AssertionError, match=r"would show where .*: mark \['folder'\] LOCATION"):
            check_source(source(Placed(folder=folder)))
        with pytest.raises(AssertionError, match=r"mark \['folder'\] LOCATION"):
            check_chunker(chunker, {"folder": folder})
        with pytest.raises(AssertionError, match=r"mark \['folder'\] LOCATION"):
            check_embedder(embedder(embedder.Config(folder=folder)))
        assert (
            check_source(type("Declared", (source,), {"location": declared})(Placed(folder=folder, words="/a"))) == 100
        )
    assert check_source(source(Placed(folder="user/name"))) == 100
    with pytest.raises(AssertionError, match=r"would be another run: mark \['words'\] LOCATION"):
        check_source(source(Placed(words="/home/jane/words.txt")))
    check_chunker(chunker, {"words": "/home/jane/words.txt"})


class Shuffled(HashEmbedder):
    """Returns vectors in another order."""

    def embed(self, texts):
        """Reverse them."""
        return super().embed(texts)[::-1]


def test_an_embedder_must_keep_the_order():
    """The stand-in passes; one that reorders is caught."""
    check_embedder(HashEmbedder(HashEmbedder.Config()))
    with pytest.raises(AssertionError, match="order"):
        check_embedder(Shuffled(HashEmbedder.Config()))


class Shelf(Publisher[Options]):
    """Says that the dataset is where it was."""

    name = "shelf"

    def publish(self, dataset, manifest):
        """Do nothing."""
        self.report(Publishing(str(dataset), 1, 1))
        return str(dataset)


class Scribbler(Shelf):
    """Leaves a note in the dataset."""

    def publish(self, dataset, manifest):
        """Write it."""
        (dataset / "note").touch()
        return str(dataset)


class Wanderer(Shelf):
    """Is somewhere else each time."""

    def publish(self, dataset, manifest):
        """Name the object."""
        return f"{dataset}/{id(self)}"


class Braggart(Shelf):
    """Tells of more than there is."""

    def publish(self, dataset, manifest):
        """Tell it."""
        self.report(Publishing(str(dataset), 2, 1))
        return str(dataset)


def test_a_publisher_must_be_repeatable_and_leave_the_dataset_alone(corpus, job):
    """One that does is told where it is; changed files, wandering places and false progress are found."""
    dataset = run(job(corpus({"id": "1", "text": "Some text."})))
    assert check_publisher(Shelf(Options()), dataset) == str(dataset.path)
    for cls, fault in ((Wanderer, "somewhere else"), (Braggart, "more was published"), (Scribbler, "changed")):
        with pytest.raises(AssertionError, match=fault):
            check_publisher(cls(Options()), dataset)
