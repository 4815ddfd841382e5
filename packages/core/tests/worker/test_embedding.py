"""Tests of vecmill.worker.embedding."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecmill.concurrency import Threads
from vecmill.errors import EmbedError, EngineError, UnfitEngineError
from vecmill.testing import HashEmbedder
from vecmill.worker.embedding import ATTEMPTS, Embedding, EngineHealth, read_from

TEXTS = [f"text {number}" for number in range(20)]


def embed(embedder, texts=TEXTS, size=7, model=None, health=None):
    """Embed in batches and wait."""
    done = []
    batches = np.array_split(np.arange(len(texts))[::-1], max(1, len(texts) // size))
    with Threads(2) as threads:
        embedding = Embedding(embedder, model or embedder.model(), threads, health)
        pending = embedding.submit(read_from(texts), len(texts), batches, done.append)
        vectors, failed = pending.result()
    assert sorted(np.concatenate(done).tolist()) == list(range(len(texts)))
    return vectors, failed


def test_vectors_come_back_in_the_order_of_the_texts():
    """However batches are cut and ordered, row i is the vector of text i."""
    embedder = HashEmbedder(HashEmbedder.Config())
    vectors, failed = embed(embedder)
    assert failed == {}
    assert np.array_equal(vectors, embedder.embed(TEXTS))


def test_one_bad_text_is_found_and_the_others_are_embedded():
    """A refused text fails alone, whatever batch it was in."""
    embedder = HashEmbedder(HashEmbedder.Config(refuse="text 13"))
    vectors, failed = embed(embedder)
    assert list(failed) == [13]
    assert "refuses" in failed[13]
    others = [i for i in range(20) if i != 13]
    assert np.array_equal(vectors[others], HashEmbedder(HashEmbedder.Config()).embed([TEXTS[i] for i in others]))


def test_a_vector_that_is_no_number_fails_its_text_alone():
    """NaN never passes for a vector."""
    _, failed = embed(HashEmbedder(HashEmbedder.Config(spoil="text 4")))
    assert failed == {4: "the vector is not finite"}


class Foreign(HashEmbedder):
    """Fails as plugins do whose author has not thought of it."""

    name = "foreign"

    def embed(self, texts):
        """Fail."""
        vectors: dict[int, Any] = {}
        return vectors[len(texts)]


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
            r"the embedder 'foreign' failed at embed\(\) of \d+ texts: KeyError: \d+: run the same command again",
        ),
        (Lists, r"the embedder 'lists' failed at embed\(\) of \d+ texts: AttributeError: .*'shape'"),
    ],
)
def test_an_error_that_is_not_ours_names_the_embedder(kind, said):
    """Whose plugin it was, and at how many texts; the shard may be tried again."""
    with pytest.raises(EngineError, match=said):
        embed(kind(HashEmbedder.Config()))


def test_vectors_of_another_width_are_the_engines_fault():
    """An engine that answers with the wrong shape is asked no more: no text is to blame, and no chance."""
    wide = HashEmbedder(HashEmbedder.Config(dimension=9))
    with pytest.raises(UnfitEngineError, match=r"'hash' returned vectors of shape \(\d+, 9\).*not \(\d+, 8\)"):
        embed(wide, model=HashEmbedder(HashEmbedder.Config()).model())


@pytest.mark.parametrize("size", [1, 7])
def test_a_vector_that_is_unfit_by_chance_sets_nothing_aside(size):
    """Every fifth answer to a text is no number the first time: each such text is asked for once more, alone."""
    met = set()

    def spoil(text):
        again = text in met
        met.add(text)
        return not again and text.endswith(("3", "8"))

    embedder = Scripted(spoils=spoil)
    vectors, failed = embed(embedder, size=size)
    assert failed == {}
    assert np.array_equal(vectors, HashEmbedder(HashEmbedder.Config()).embed(TEXTS))
    assert sum(embedder.calls) == len(TEXTS) + 4


class Scripted(HashEmbedder):
    """Refuses, or spoils, what a function says, and counts calls."""

    name = "scripted"

    def __init__(self, refuses=lambda text: False, spoils=lambda text: False, scale=1.0):
        super().__init__(HashEmbedder.Config())
        self.refuses, self.spoils, self.scale, self.calls = refuses, spoils, scale, []

    def embed(self, texts):
        """Refuse a batch for one text of it."""
        self.calls.append(len(texts))
        if any(self.refuses(text) for text in texts):
            raise EmbedError("field required: model")
        vectors = super().embed(texts) * np.float32(self.scale)
        vectors[[self.spoils(text) for text in texts]] = np.nan
        return vectors


MANY = [f"The text with the number {number:04} says little" for number in range(512)]


@pytest.mark.parametrize("size", [1, 8, 512])
def test_an_engine_that_refuses_every_text_is_given_a_few_dozen(size):
    """It is the engine's fault, and its own words are in the error; no text is counted as bad."""
    embedder = Scripted(refuses=lambda text: True)
    with pytest.raises(
        UnfitEngineError, match=r"'scripted' refused \d+ texts .* accepted none; .* field required: model"
    ):
        embed(embedder, MANY, size)
    assert sum(calls == 1 for calls in embedder.calls) <= 40
    assert len(embedder.calls) <= 90


@pytest.mark.parametrize(
    ("options", "words"),
    [({"scale": 3.0}, r"the vector has length 3\.0000, not 1"), ({"spoils": lambda text: True}, "is not finite")],
)
def test_an_engine_whose_vectors_are_all_unfit_is_at_fault(options, words):
    """Not of unit length, or no numbers: that no text has a good vector says nothing of the texts."""
    embedder = Scripted(**options)
    with pytest.raises(UnfitEngineError, match=words):
        embed(embedder, MANY, 64)
    assert len(embedder.calls) <= 2 + 2 * ATTEMPTS  # a batch and a trial for each of two threads


def test_an_engine_that_breaks_in_mid_run_is_at_fault():
    """What it embedded before is the proof: 300 texts pass, then none, those that passed before neither."""
    embedder = Scripted()
    embedder.refuses = lambda text: sum(embedder.calls) > 300
    with pytest.raises(UnfitEngineError, match=r"then one that it had embedded before; .* field required: model"):
        embed(embedder, MANY, 10)


def test_an_engine_that_takes_only_trifles_is_at_fault():
    """Short texts that pass clear it of no fault at long ones."""
    texts = [text for pair in zip(MANY, ["a b"] * 512, strict=True) for text in pair]
    embedder = Scripted(refuses=lambda text: len(text) > 10)
    with pytest.raises(UnfitEngineError, match="field required"):
        embed(embedder, texts, 2)
    assert len(embedder.calls) <= 160


@pytest.mark.parametrize("bad", [range(512), range(40, 512), range(200), range(0, 512, 2)])
def test_texts_at_fault_are_refused_one_by_one_however_many_they_are(bad):
    """A server with a limit of its own: what is longer fails, the engine is cleared by a part of it."""
    texts = [text * (2 if number in bad else 1) for number, text in enumerate(MANY)]
    embedder = Scripted(refuses=lambda text: len(text) > len(MANY[0]))
    _, failed = embed(embedder, texts, 64)
    assert sorted(failed) == list(bad)


def test_a_batch_that_is_refused_throughout_takes_little_more_than_a_request_for_each_text():
    """Halves are not tried where nearly all texts are refused."""
    embedder = Scripted(refuses=lambda text: len(text) > len(MANY[0]))
    _, failed = embed(embedder, [text * 2 for text in MANY], 512)
    assert len(failed) == 512
    assert len(embedder.calls) <= 512 * 1.1


@given(st.sets(st.integers(0, 63)))
def test_each_refused_text_is_found_and_no_other(bad):
    """Whatever their number and their order; a batch of n texts takes less than 2 n requests."""
    texts = [("bad " if number in bad else "") + text for number, text in enumerate(MANY[:64])]
    embedder = Scripted(refuses=lambda text: text.startswith("bad "))
    health = EngineHealth(embedder, embedder.model())
    health.accept(["a text that was embedded long before, and that proves that the engine works"], 0)
    vectors, failed = embed(embedder, texts, 64, health=health)
    assert set(failed) == bad
    assert np.linalg.norm(vectors[[number for number in range(64) if number not in bad]], axis=1).round(3).all()
    assert len(embedder.calls) < 2 * 64 + 3
