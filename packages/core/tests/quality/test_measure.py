"""Tests of vecmill.quality.measure and what it puts together."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from vecmill.errors import RunError, StoreError
from vecmill.quality import measure
from vecmill.quality.measure import RANGES, sample

SENTENCES = [f"Sentence number {n} of the corpus speaks of {n * n} things." for n in range(60)]


def test_every_chunk_is_counted_by_its_length(made):
    """The histogram adds up to the account, and its figures are numpy's over all rows."""
    dataset = made(*(" ".join(SENTENCES[: 1 + n]) for n in range(40)))
    tokens = pq.read_table(dataset.path / "data").column("tokens").to_numpy()
    found = measure(dataset.path).lengths
    assert sum(found.counts) == dataset.account.chunks == len(tokens)
    assert found.longest == tokens.max()
    assert found.short == (tokens < 16).sum()
    assert found.median == np.quantile(tokens, 0.5, method="inverted_cdf")
    assert found.p95 == np.quantile(tokens, 0.95, method="inverted_cdf")
    by_hand = np.histogram(tokens, bins=len(found.counts), range=(0, found.width * len(found.counts)))[0]
    assert found.counts == by_hand.tolist()


def test_texts_that_repeat_in_another_document_are_twins(made):
    """Two documents with the same text have one twin each; a document that repeats itself has none."""
    found = measure(made("one thing", "one thing", "another thing", "nothing of the kind").path).geometry
    assert found.twins == 2
    assert sum(found.nearest) == found.rows == 4


def test_documents_are_found_by_their_own_words(made):
    """A stand-in model knows equal texts alone: documents of a few words come first, all of them."""
    found = measure(made(*SENTENCES).path).known_items
    assert (found.by, found.queries, found.rows) == ("first words", 60, 60)
    assert found.hit_1 == found.mrr == 1
    assert found.missed == []


def test_titles_are_asked_for_where_there_are_any(made):
    """The stand-in finds no title in a text; what it missed is named."""
    rows = [{"id": str(n), "title": f"Article {n}", "text": SENTENCES[n]} for n in range(60)]
    found = measure(made(*rows).path).known_items
    assert found.by == "title"
    assert found.hit_1 < 0.5
    assert set(found.missed) <= {row["title"] for row in rows}


def test_a_model_that_is_not_here_costs_the_search_alone(made):
    """All else is measured, and the report says why search is not."""
    dataset = made(*SENTENCES)
    manifest = dataset.manifest.model_copy(
        update={"run_id": "0" * 16, "recipe": {**dataset.manifest.recipe, "embedder": {"name": "gone", "version": 1}}}
    )
    (dataset.path / "manifest.json").write_text(manifest.model_dump_json())
    found = measure(dataset.path)
    assert found.known_items is None
    assert "no embedder 'gone'" in str(found.why_not)
    assert found.geometry.rows == 60


def test_a_sample_comes_from_all_over_a_large_dataset(made):
    """Stretches at equal distances, first and last rows among them, rows in order, none twice."""
    dataset = made(*(text + str(n) for n in range(9) for text in SENTENCES), shards={"target_mb": 0.02})
    assert len(dataset.manifest.shards) > 2
    table = pq.read_table(dataset.path / "data")
    taken = sample(dataset.path, dataset.manifest, rows=5 * RANGES)
    places = [table.column("id").to_pylist().index(id_) for id_ in taken.ids]
    assert len(set(places)) == len(places) == 5 * RANGES
    assert places == sorted(places)
    assert places[0] == 0
    assert places[-1] == table.num_rows - 1
    vectors = table.column("embedding").combine_chunks().flatten().to_numpy().reshape(table.num_rows, -1)
    np.testing.assert_allclose(taken.vectors, vectors[places], rtol=1e-6)


def test_a_folder_without_a_dataset_is_refused(tmp_path):
    """The message says what is missing."""
    with pytest.raises(StoreError, match="no finished dataset: vecmill made nothing there"):
        measure(tmp_path)


def test_an_empty_dataset_is_refused(made, tmp_path):
    """All documents were blank: nothing can be said of vectors that are not there."""
    with pytest.raises(RunError, match="an empty dataset is not finished"):
        made(" ", "\n", max_quarantine=1.0)
    with pytest.raises(StoreError, match="holds no chunks"):
        measure(tmp_path / "out")
