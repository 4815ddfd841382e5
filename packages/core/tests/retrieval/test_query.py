"""Tests of vecmill.retrieval.query."""

import numpy as np
import pytest

import vecmill
from vecmill.errors import EngineError, ModelError
from vecmill.testing import HashEmbedder

QUESTIONS = ["one", "two"]


@pytest.fixture
def dataset(job, corpus):
    """Make a small dataset."""
    return vecmill.run(job(corpus({"id": "a", "text": "one"})))


def test_a_model_that_stays_loaded_gives_what_one_call_gives(dataset, monkeypatch):
    """The same vectors, one question after another or all at once, from one opening; and then it is closed."""
    calls = []
    for name in ("open", "close"):
        monkeypatch.setattr(HashEmbedder, name, lambda _, name=name: calls.append(name))
    with vecmill.QueryEmbedder(dataset.manifest) as questions:
        together = questions.embed(QUESTIONS)
        singly = np.stack([questions.embed([question])[0] for question in QUESTIONS])
        assert calls == ["open"]
    assert calls == ["open", "close"]
    assert together.dtype == np.float32
    assert np.array_equal(together, singly)
    assert np.array_equal(together, vecmill.embed_queries(dataset.manifest, QUESTIONS))
    assert np.array_equal(together[1], vecmill.embed_query(dataset.manifest, QUESTIONS[1]))


def test_a_query_gets_the_models_prompt_for_queries(dataset):
    """Not the one for passages, nor none."""
    model = dataset.manifest.model.model_copy(update={"query_prompt": "query: "})
    asking = dataset.manifest.model_copy(update={"model": model})
    assert np.array_equal(vecmill.embed_query(asking, "one"), vecmill.embed_query(dataset.manifest, "query: one"))


def test_an_error_that_is_not_ours_names_the_embedder(dataset, monkeypatch):
    """When its model is opened for a question, as in a run."""
    monkeypatch.setattr(HashEmbedder, "open", lambda _: dict[str, str]()["weights"])
    with pytest.raises(EngineError, match=r"the embedder 'hash' failed at open\(\): KeyError: 'weights': run"):
        vecmill.embed_query(dataset.manifest, "one")


def test_no_questions_are_no_vectors(dataset):
    """Shape (0, dimension), as for any other number."""
    assert vecmill.embed_queries(dataset.manifest, []).shape == (0, dataset.manifest.model.dimension)


def test_a_model_whose_folder_is_not_known_has_to_be_named(dataset):
    """The manifest has no more than the folder's last part."""
    recipe = dataset.manifest.recipe
    elsewhere = {**recipe, "embedder": {**recipe["embedder"], "model": ".../mini"}}
    manifest = dataset.manifest.model_copy(update={"recipe": elsewhere, "run_id": "0" * 16})
    with pytest.raises(ModelError, match=r"'\.\.\./mini', and nothing here says where that is: name it with --model"):
        vecmill.QueryEmbedder(manifest)
