"""Tests of vecmill.worker.embedding."""

import numpy as np
import pytest

from vecmill.errors import EngineError
from vecmill.testing import HashEmbedder
from vecmill.testing.embedder import HashOptions
from vecmill.threads import Threads
from vecmill.worker.embedding import Embedding

TEXTS = [f"text {number}" for number in range(20)]


def embed(embedder, texts=TEXTS, size=7, model=None):
    """Embed in batches and wait."""
    done = []
    batches = np.array_split(np.arange(len(texts))[::-1], max(1, len(texts) // size))
    with Threads(2) as threads:
        pending = Embedding(embedder, model or embedder.model(), threads).submit(texts, batches, done.append)
        vectors, failed = pending.result()
    assert sorted(np.concatenate(done).tolist()) == list(range(len(texts)))
    return vectors, failed


def test_vectors_come_back_in_the_order_of_the_texts():
    """However batches are cut and ordered, row i is the vector of text i."""
    embedder = HashEmbedder(HashOptions())
    vectors, failed = embed(embedder)
    assert failed == {}
    assert np.array_equal(vectors, embedder.embed(TEXTS))


def test_one_bad_text_is_found_and_the_others_are_embedded():
    """A refused text fails alone, whatever batch it was in."""
    embedder = HashEmbedder(HashOptions(refuse="text 13"))
    vectors, failed = embed(embedder)
    assert list(failed) == [13]
    assert "refuses" in failed[13]
    others = [i for i in range(20) if i != 13]
    assert np.array_equal(vectors[others], HashEmbedder(HashOptions()).embed([TEXTS[i] for i in others]))


def test_a_vector_that_is_no_number_fails_its_text_alone():
    """NaN never passes for a vector."""
    _, failed = embed(HashEmbedder(HashOptions(spoil="text 4")))
    assert failed == {4: "the vector is not finite"}


class Foreign(HashEmbedder):
    """Fails as plugins do whose author has not thought of it."""

    name = "foreign"

    def embed(self, texts):
        """Fail."""
        return {}[len(texts)]


class Lists(HashEmbedder):
    """Returns what its protocol does not allow."""

    name = "lists"

    def embed(self, texts):
        """Return lists of numbers."""
        return super().embed(texts).tolist()


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (
            Foreign,
            r"the embedder 'foreign' failed at embed\(\) of \d+ texts: KeyError: \d+\. Run the same command again",
        ),
        (Lists, r"the embedder 'lists' failed at embed\(\) of \d+ texts: AttributeError: .*'shape'"),
    ],
)
def test_an_error_that_is_not_ours_names_the_embedder(kind, said):
    """Whose plugin it was, and at how many texts; the shard may be tried again."""
    with pytest.raises(EngineError, match=said):
        embed(kind(HashOptions()))


def test_vectors_of_another_width_are_the_engines_fault():
    """An engine that answers with the wrong shape fails the shard, not a document."""
    wide = HashEmbedder(HashOptions(dimension=9))
    with pytest.raises(EngineError, match=r"shape \(\d+, 9\).*not \(\d+, 8\)"):
        embed(wide, model=HashEmbedder(HashOptions()).model())
