"""Tests of vecmill.records.model."""

import pytest
from pydantic import ValidationError

from vecmill.records import SIMILARITIES, ModelInfo, Output
from vecmill.records.model import describe_weights

STATED = {"id": "m", "revision": "1", "dimension": 8, "max_tokens": 64, "pooling": "mean"}


@pytest.mark.parametrize(("normalized", "similarity"), [(True, "cosine"), (False, "dot")])
def test_a_model_that_states_no_outputs_has_one(normalized, similarity):
    """As embedders and manifests of the first versions describe theirs: compared by the product, as they were."""
    model = ModelInfo(**STATED, normalized=normalized)
    assert model.outputs == (
        Output(
            name="embedding",
            kind="dense",
            dimension=8,
            dtype="float32",
            normalized=normalized,
            similarity=similarity,
        ),
    )
    assert model.similarity == similarity
    assert ModelInfo.model_validate_json(model.model_dump_json()) == model


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("normalized", [True, False])
def test_a_stated_similarity_is_that_of_the_output(similarity, normalized):
    """And the other way round."""
    model = ModelInfo(**STATED, normalized=normalized, similarity=similarity)
    assert model.output.similarity == similarity
    assert ModelInfo(**STATED, normalized=normalized, outputs=model.outputs) == model


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dimension": 9}, "dimension is 8, and that of the output 'embedding' is 9"),
        ({"normalized": False}, "normalized is True, and that of the output 'embedding' is False"),
        ({"similarity": "dot"}, "similarity is cosine, and that of the output 'embedding' is dot"),
        ({"similarity": "nearness"}, "Input should be 'cosine', 'dot', 'euclidean' or 'manhattan'"),
        ({"kind": "sparse"}, "Input should be 'dense'"),
        ({"dtype": "float16"}, "Input should be 'float32'"),
        ({"name": "text"}, "an output is called 'text', as another column of every dataset is"),
        ({"name": "a.b"}, "String should match pattern"),
    ],
)
def test_an_output_that_cannot_be_is_refused(change, message):
    """It contradicts the model, is not known here, or would take the place of another column."""
    output = {"dimension": 8, "normalized": True, "similarity": "cosine"} | change
    with pytest.raises(ValidationError, match=message):
        ModelInfo(**STATED, normalized=True, similarity="cosine", outputs=[output])


def test_two_outputs_are_more_than_a_dataset_holds():
    """For now."""
    with pytest.raises(ValidationError, match="at most 1 item"):
        ModelInfo(**STATED, normalized=True, outputs=[ModelInfo(**STATED, normalized=True).output] * 2)


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_what_was_implied_before_is_no_part_of_a_runs_identity(similarity):
    """A run that was begun by a version without outputs is the same run; and no shard depends on the similarity."""
    keys = ("revision", "dimension", "max_tokens", "pooling", "normalized", "prompt", "query_prompt", "precision")
    model = ModelInfo(**STATED, normalized=False, similarity=similarity)
    assert [*describe_weights(model)] == [*keys]


def test_a_column_by_another_name_is_another_run():
    """It is in every shard."""
    output = Output(name="vector", dimension=8, normalized=True, similarity="cosine")
    assert describe_weights(ModelInfo(**STATED, normalized=True, outputs=[output]))["outputs"] == [
        {"name": "vector", "kind": "dense", "dimension": 8, "dtype": "float32", "normalized": True}
    ]
