"""Whether the engine or the texts cause refusals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecmill.errors import EmbedError, UnfitEngineError
from vecmill.testing import HashEmbedder
from vecmill.worker.embedding import REFUSALS, EngineHealth


class Engine(HashEmbedder):
    """Refuses what a function says."""

    def __init__(self, refuses):
        super().__init__(HashEmbedder.Config())
        self.refuses = refuses

    def embed(self, texts):
        """Refuse all for one."""
        if any(map(self.refuses, texts)):
            raise EmbedError("no")
        return super().embed(texts)


def health(refuses):
    """Return the health of an engine."""
    engine = Engine(refuses)
    return EngineHealth(engine, engine.model())


@given(st.lists(st.tuples(st.integers(1, 200), st.booleans()), max_size=200))
def test_an_engine_that_works_is_never_at_fault(texts):
    """Whatever texts it refuses, in whatever order, if it embeds again what it embedded before, or part of the rest."""
    seen = health(lambda text: text.startswith("bad"))
    seen.accept(["good" * 100], 0)
    for length, bad in texts:
        if bad:
            seen.refuse(["bad" * length], "no")
        else:
            seen.accept(["good" * length], seen.note_request())
    seen.confirm()


def test_what_was_sent_before_the_engine_broke_does_not_clear_it():
    """Its answers come in while others are refused already."""
    seen = health(lambda text: True)
    sent = seen.note_request()
    seen.refuse(["a text"], "no")
    seen.accept(["another text"], sent)
    with pytest.raises(UnfitEngineError, match="refused a text, and then one that it had embedded before"):
        seen.confirm()


def test_what_is_sent_after_a_refusal_clears_the_engine():
    """It then takes as many refusals again to raise the question."""
    seen = health(lambda text: True)
    for number in range(3 * REFUSALS):
        seen.refuse([f"text {number}"], "no")
        if number % (REFUSALS - 1) == 0:
            seen.accept(["another text"], seen.note_request())
    seen.accept(["another text"], seen.note_request())
    seen.confirm()


def test_a_refusal_by_chance_is_no_verdict():
    """The text that decides is asked for twice."""
    answers = iter([True, False])
    seen = health(lambda text: next(answers))
    seen.accept(["good"], 0)
    seen.refuse(["bad"], "no")
    seen.confirm()


@pytest.mark.parametrize("broken", [True, False])
def test_a_few_refused_texts_are_weighed_against_a_plain_sentence(broken):
    """Where nothing else was embedded: the shard may hold too few texts to tell."""
    seen = health(lambda text: broken or text == "bad")
    seen.refuse(["bad"], "field required")
    if broken:
        with pytest.raises(UnfitEngineError, match=r"refused a text, and accepted none; .* field required"):
            seen.confirm()
    else:
        seen.confirm()
