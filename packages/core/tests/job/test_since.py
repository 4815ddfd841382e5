"""Tests of vecmill.job.since and vecmill.worker.reuse: a refresh embeds what is new, and nothing else."""

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vecmill import run, verify
from vecmill.errors import ConfigError, RunError
from vecmill.testing import HashEmbedder

TEXT = "Sentence number {} speaks of article {} at some length, so that it fills a chunk of its own in the end.\n\n"


def article(number, paragraphs=9, **changes):
    """Return a document of several chunks."""
    text = "".join(TEXT.format(n, number) for n in range(paragraphs))
    return {"id": str(number), "title": f"Article {number}", "text": text} | changes


@pytest.fixture
def embedded(monkeypatch):
    """Count what the engine is given."""
    texts = []
    embed = HashEmbedder.embed

    def counted(self, batch):
        texts.extend(batch)
        return embed(self, batch)

    monkeypatch.setattr(HashEmbedder, "embed", counted)
    return texts


@pytest.fixture
def into(job, tmp_path):
    """Make a job that writes into a folder of its own."""

    def make(path, name, **keys):
        return job(path, publish=[{"name": "parquet", "path": str(tmp_path / name)}], **keys)

    return make


def columns(dataset):
    """Return all rows of a dataset."""
    return pq.read_table(dataset.path / "data")


def test_only_what_changed_is_embedded(corpus, into, embedded):
    """One paragraph changed, one article added, one gone: two articles' worth at most goes to the engine."""
    before = [article(n) for n in range(20)]
    old = run(into(corpus(*before, name="old.jsonl"), "old"))
    after = [article(n) for n in range(1, 20)]
    after[4]["text"] = after[4]["text"].replace("number 5", "number five")
    after.insert(7, article(99))
    path = corpus(*after, name="new.jsonl")
    embedded.clear()
    new = run(into(path, "new"), since=old.path)
    once = list(embedded)
    fresh = run(into(path, "fresh"))
    assert columns(new).equals(columns(fresh))
    assert new.manifest.reused.run_id == old.manifest.run_id
    assert new.manifest.reused.chunks == new.account.chunks - len(once)
    added = columns(fresh).column("id").to_pylist().count("99")
    assert len(once) == added + 1
    assert verify(new.path).ok


def test_a_corpus_of_two_short_documents_is_reused_too(corpus, into, embedded):
    """However few chunks a dataset has, the one that is left of it is not embedded again."""
    old = run(into(corpus(article(1, 1), article(2, 1), name="old.jsonl"), "old"))
    embedded.clear()
    new = run(into(corpus(article(2, 1), article(3, 1), name="new.jsonl"), "new"), since=old.path)
    assert new.manifest.reused.chunks == len(embedded) == 1


def test_a_title_is_part_of_what_is_embedded(corpus, into, embedded):
    """An article with another name is embedded again, though its text is the same."""
    old = run(into(corpus(*(article(n) for n in range(4)), name="old.jsonl"), "old"))
    renamed = [article(n, title=f"Renamed {n}" if n == 2 else f"Article {n}") for n in range(4)]
    embedded.clear()
    new = run(into(corpus(*renamed, name="new.jsonl"), "new"), since=old.path)
    assert {text.partition("\n")[0] for text in embedded} == {"Renamed 2"}
    assert new.manifest.reused.chunks == new.account.chunks - len(embedded)


def test_an_unchanged_corpus_is_not_embedded_at_all(corpus, into, embedded):
    """In shards of another size, too."""
    path = corpus(*(article(n) for n in range(30)))
    old = run(into(path, "old", shards={"target_mb": 0.01}))
    assert len(old.manifest.shards) > 2
    embedded.clear()
    new = run(into(path, "new", shards={"target_mb": 0.05}), since=old.path)
    assert embedded == []
    assert columns(new).equals(columns(old))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(1, 4), st.booleans()), max_size=10),
    st.lists(st.tuples(st.integers(0, 12), st.integers(1, 4), st.booleans()), min_size=1, max_size=10),
)
def test_whatever_changed_the_rows_are_those_of_a_fresh_run(tmp_path_factory, corpus, job, before, after):
    """Articles come, go, grow, move and change their names: same rows, same vectors, and nothing counted wrong."""
    folder = tmp_path_factory.mktemp("since")

    def make(name, drawn, since=None):
        rows = [article(n, size, title=f"{n}{odd}") for n, size, odd in [*drawn, (77, 1, False)]]
        path = corpus(*rows, name=f"{name}.jsonl")
        keys = {"publish": [{"name": "parquet", "path": str(folder / name)}], "max_quarantine": 1.0}
        return run(job(path, **keys), since=since, overwrite=True)

    old = make("old", before)
    new, fresh = make("new", after, old.path), make("fresh", after)
    assert columns(new).equals(columns(fresh))
    assert new.account == fresh.account
    assert 0 <= new.manifest.reused.chunks <= new.account.chunks


def test_vectors_of_another_recipe_are_refused(corpus, into):
    """Other chunks or another model: the message says in what they differ, and nothing is begun."""
    path = corpus(*(article(n) for n in range(3)))
    old = run(into(path, "old"))
    other = into(path, "new", chunker={"name": "paragraphs", "max_tokens": 48})
    with pytest.raises(ConfigError, match=r"chunker\.max_tokens \(32 there, 48 now\)"):
        run(other, since=old.path)
    assert not (old.path.parent / "new").exists()


@pytest.mark.parametrize("since", ["nowhere", "./a/b"])
def test_a_folder_without_a_dataset_is_refused(corpus, into, since):
    """It is named; a relative path is not taken for a repo of the Hub when it says that it is a path."""
    with pytest.raises(ConfigError, match="no finished dataset"):
        run(into(corpus(article(1)), "new"), since=since)


def test_the_same_folder_is_refused(corpus, into):
    """A dataset is not made out of the one that it replaces."""
    old = run(into(corpus(article(1), name="old.jsonl"), "same"))
    with pytest.raises(ConfigError, match="the same folder"):
        run(into(corpus(article(2), name="new.jsonl"), "same"), since=old.path, overwrite=True)


def test_a_damaged_shard_is_not_used(corpus, into):
    """What is not what the earlier run wrote gives no vectors; the message says how to go on."""
    path = corpus(*(article(n) for n in range(9)))
    old = run(into(path, "old"))
    shard = old.path / old.manifest.shards[0].path
    data = bytearray(shard.read_bytes())
    data[len(data) // 3] ^= 1
    shard.write_bytes(data)
    with pytest.raises(RunError, match=r"is not what its run wrote.*run without --since"):
        run(into(path, "new"), since=old.path)
    assert run(into(path, "new")).account == old.account
