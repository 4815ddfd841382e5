"""A refresh embeds what is new, and nothing else."""

import hashlib
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vecmill import run, verify
from vecmill.chunking.paragraphs import ParagraphsChunker
from vecmill.errors import ConfigError, EmbedError, RunError, StoreError
from vecmill.plugins import load
from vecmill.records import ShardDone
from vecmill.store import state
from vecmill.store.card import format_card
from vecmill.store.files import read_manifest, sha256
from vecmill.store.layout import Layout
from vecmill.testing import HashEmbedder
from vecmill.worker import reuse

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
    new = run(into(path, "new"), since=old.path, trust_vectors=True)
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
    new = run(into(corpus(article(2, 1), article(3, 1), name="new.jsonl"), "new"), since=old.path, trust_vectors=True)
    assert new.manifest.reused.chunks == len(embedded) == 1


def test_a_title_is_part_of_what_is_embedded(corpus, into, embedded):
    """An article with another name is embedded again, though its text is the same."""
    old = run(into(corpus(*(article(n) for n in range(4)), name="old.jsonl"), "old"))
    renamed = [article(n, title=f"Renamed {n}" if n == 2 else f"Article {n}") for n in range(4)]
    embedded.clear()
    new = run(into(corpus(*renamed, name="new.jsonl"), "new"), since=old.path, trust_vectors=True)
    assert {text.partition("\n")[0] for text in embedded} == {"Renamed 2"}
    assert new.manifest.reused.chunks == new.account.chunks - len(embedded)


def test_an_unchanged_corpus_is_not_embedded_at_all(corpus, into, embedded):
    """In shards of another size, too."""
    path = corpus(*(article(n) for n in range(30)))
    old = run(into(path, "old", shards={"target_mb": 0.01}))
    assert len(old.manifest.shards) > 2
    embedded.clear()
    new = run(into(path, "new", shards={"target_mb": 0.05}), since=old.path, trust_vectors=True)
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


def replace_shard(dataset, number, change):
    """Write a shard again with changed rows; the manifest says what the file is now, as a forger's would."""
    entry = dataset.manifest.shards[number]
    path = dataset.path / entry.path
    pq.write_table(change(pq.read_table(path)), path, row_group_size=40)
    size, digest = path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest()
    manifest = read_manifest(Layout(dataset.path))
    shards = [*manifest.shards]
    shards[number] = entry.model_copy(update={"bytes": size, "sha256": digest})
    manifest = manifest.model_copy(update={"shards": shards})
    (dataset.path / "manifest.json").write_text(manifest.model_dump_json())
    (dataset.path / "README.md").write_text(format_card(manifest))


def vectors_of(table):
    """Return a table's vectors."""
    return table.column("embedding").combine_chunks().flatten().to_numpy().reshape(table.num_rows, -1)


def with_vectors(table, vectors):
    """Return a table with other vectors."""
    kind = table.schema.field("embedding")
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel(), pa.float32()), type=kind.type)
    return table.set_column(table.schema.get_field_index("embedding"), kind, column)


def turn(table, rows, share=1.0):
    """Turn the vectors of some rows towards others; they are unit vectors still."""
    vectors = vectors_of(table).copy()
    mixed = (1 - share) * vectors[rows] + share * np.roll(vectors, 3, axis=0)[rows]
    vectors[rows] = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
    return with_vectors(table, vectors)


@pytest.mark.fault(
    "security",
    "`--since` a dataset whose vectors are not the model's",
    promise="A sample is embedded again and compared: the run fails with one message, and none of its vectors stays.",
)
@pytest.mark.parametrize("share", [1.0, 0.3])
def test_vectors_that_the_model_does_not_give_are_refused(corpus, into, tmp_path, share):
    """Sound by `verify`, and named with the chunk, the cosine and what to do; the run goes on without them."""
    path = corpus(*(article(n) for n in range(20)))
    old = run(into(path, "old"))
    replace_shard(old, 0, lambda table: turn(table, slice(None), share))
    assert verify(old.path).ok
    with pytest.raises(RunError) as failed:
        run(into(path, "new"), since=old.path)
    told = str(failed.value)
    assert told.startswith(f"no vector is taken from {old.path} (run {old.manifest.run_id}): chunk ")
    assert "cosine" in told
    assert "of 180 compared" in told
    assert "run without --since" in told
    assert "--trust-vectors" in told
    assert "\n" not in told
    new, fresh = run(into(path, "new")), run(into(path, "fresh"))
    assert columns(new).equals(columns(fresh))
    assert new.manifest.reused is None


def test_one_wrong_vector_of_a_small_corpus_is_found(corpus, into):
    """Of 180 chunks every one is compared."""
    path = corpus(*(article(n) for n in range(20)))
    old = run(into(path, "old"))
    replace_shard(old, 0, lambda table: turn(table, [77]))
    with pytest.raises(RunError, match="1 of 180 compared"):
        run(into(path, "new"), since=old.path)


def test_a_vector_of_another_length_is_another_vector(corpus, into):
    """As far as a length may differ at all."""
    path = corpus(*(article(n) for n in range(4)))
    old = run(into(path, "old"))
    replace_shard(old, 0, lambda table: with_vectors(table, vectors_of(table) * np.float32(1.009)))
    new = run(into(path, "new"), since=old.path)
    assert new.manifest.reused.chunks == new.account.chunks
    replace_shard(old, 0, lambda table: with_vectors(table, vectors_of(table) * np.float32(1.5)))
    again = run(into(path, "again"), since=old.path)
    assert again.manifest.reused.chunks == 0, "it is not of unit length, and so embedded"


def test_vectors_are_trusted_if_so_told(corpus, into, embedded):
    """Nothing is compared, and the wrong vectors are in the dataset."""
    path = corpus(*(article(n) for n in range(9)))
    old = run(into(path, "old"))
    replace_shard(old, 0, lambda table: turn(table, slice(None)))
    embedded.clear()
    new = run(into(path, "new"), since=old.path, trust_vectors=True)
    assert embedded == []
    assert columns(new).equals(columns(old))


def test_a_refused_dataset_stays_refused(corpus, into, embedded):
    """The same command is told the same without an attempt, though chance might choose other chunks; trust is heard."""
    path = corpus(*(article(n) for n in range(9)))
    old = run(into(path, "old"))
    replace_shard(old, 0, lambda table: turn(table, [1]))
    with pytest.raises(RunError) as first:
        run(into(path, "new"), since=old.path)
    embedded.clear()
    with pytest.raises(RunError) as second:
        run(into(path, "new"), since=old.path)
    assert str(second.value) == str(first.value)
    assert embedded == []
    new = run(into(path, "new"), since=old.path, trust_vectors=True)
    assert new.manifest.reused.chunks == new.account.chunks


def test_shards_that_had_vectors_of_a_refused_dataset_are_done_again(corpus, into):
    """The first shards are sound and done when the last is found out: none of their vectors is kept."""
    path = corpus(*(article(n) for n in range(40)))
    small = {"shards": {"target_mb": 0.01}}
    old = run(into(path, "old", **small))
    last = len(old.manifest.shards) - 1
    assert last >= 4
    replace_shard(old, last, lambda table: turn(table, slice(None)))
    done = []
    with pytest.raises(RunError):
        run(into(path, "new", **small), done.append, since=old.path)
    assert len([event for event in done if isinstance(event, ShardDone)]) == last
    done.clear()
    new = run(into(path, "new", **small), done.append)
    assert len([event for event in done if isinstance(event, ShardDone)]) == last + 1
    assert new.manifest.reused is None
    assert columns(new).equals(columns(run(into(path, "fresh", **small))))


def test_the_sample_changes_no_byte(corpus, into):
    """Which chunks are compared is chance, and what is written is not: three runs write the same files."""
    rows = [article(n) for n in range(40)]
    old = run(into(corpus(*rows, name="old.jsonl"), "old"))
    path = corpus(*rows[:20], *(article(n) for n in range(50, 60)), *rows[20:], name="new.jsonl")
    made = [run(into(path, f"new{n}"), since=old.path) for n in range(2)] + [run(into(path, "fresh"))]
    assert len({entry.sha256 for dataset in made for entry in dataset.manifest.shards}) == 1


def test_a_hundredth_is_compared(corpus, into, embedded, monkeypatch):
    """Beyond the chunks of a small corpus; and in each shard some."""
    path = corpus(*(article(n) for n in range(60)))
    old = run(into(path, "old"))
    monkeypatch.setattr(reuse, "FEWEST", 0)
    monkeypatch.setattr(reuse, "FEWEST_IN_A_SHARD", 3)
    embedded.clear()
    run(into(path, "one"), since=old.path)
    assert len(embedded) == 6
    embedded.clear()
    many = run(into(path, "many", shards={"target_mb": 0.01}), since=old.path)
    assert len(embedded) == 3 * len(many.manifest.shards) > 9


def test_nobody_knows_before_which_chunks_are_compared(corpus, into, embedded, monkeypatch):
    """Two runs compare others; two attempts at one shard the same, so that a second cannot pass by chance."""
    path = corpus(*(article(n) for n in range(60)))
    old = run(into(path, "old"))
    monkeypatch.setattr(reuse, "FEWEST", 20)
    samples = []
    for name in ("a", "b"):
        embedded.clear()
        run(into(path, name), since=old.path)
        samples.append(set(embedded))
    assert samples[0] != samples[1]
    seeds = []
    fresh = np.random.default_rng
    monkeypatch.setattr(np.random, "default_rng", lambda seed: seeds.append(seed) or fresh(seed))
    run(into(path, "c", shards={"target_mb": 0.01}), since=old.path)
    drawn = [seed for seed in seeds if isinstance(seed, list)]
    assert len({seed for seed, _ in drawn}) == 1
    assert [index for _, index in drawn] == list(range(len(drawn)))


def test_what_is_reused_is_told_whoever_finishes_the_run(corpus, into):
    """A run that is begun with an earlier one and finished without says how many vectors it has of it."""
    path = corpus(*(article(n) for n in range(40)))
    small = {"shards": {"target_mb": 0.01}}
    old = run(into(path, "old"))

    def stop(event):
        if isinstance(event, ShardDone) and event.receipt.index == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(into(path, "new", **small), stop, since=old.path)
    new = run(into(path, "new", **small))
    assert len(new.manifest.shards) > 3
    assert new.manifest.reused.run_id == old.manifest.run_id
    assert new.manifest.reused.chunks == sum(entry.rows for entry in new.manifest.shards[:2])
    assert verify(new.path).ok
    assert run(into(path, "fresh", **small)).manifest.reused is None


@pytest.fixture
def counted(monkeypatch):
    """Count the files that are hashed, and the rows that are decoded with their vectors."""
    counts = {"hashed": 0, "rows": 0}
    batches = pq.ParquetFile.iter_batches

    def hash_file(path):
        counts["hashed"] += Path(path).suffix == ".parquet"
        return sha256(path)

    def read_batches(self, *arguments, **options):
        for batch in batches(self, *arguments, **options):
            counts["rows"] += batch.num_rows * ("embedding" in batch.schema.names)
            yield batch

    monkeypatch.setattr(state, "sha256", hash_file)
    monkeypatch.setattr(pq.ParquetFile, "iter_batches", read_batches)
    return counts


@pytest.mark.fault(
    "load",
    "`--since` with the documents in another order",
    promise="Each worker hashes each shard of the earlier dataset once, and reads it a few times at most.",
)
@pytest.mark.parametrize("order", ["shuffled", "reversed", "as it was"])
def test_the_work_does_not_grow_with_the_disorder(corpus, into, counted, order):
    """40 shards: 40 hashes, and no row decoded more than four times; every vector is reused, and right."""
    rows = [article(n) for n in range(400)]
    small = {"shards": {"target_mb": 0.01}}
    old = run(into(corpus(*rows, name="old.jsonl"), "old", **small))
    shards = len(old.manifest.shards)
    assert shards >= 40
    after = {"shuffled": random.Random(1).sample(rows, len(rows)), "reversed": rows[::-1], "as it was": rows}[order]  # noqa: S311 - repeatable, not secret
    path = corpus(*after, name="new.jsonl")
    counted.update(hashed=0, rows=0)
    new = run(into(path, "new", **small), since=old.path)
    assert new.manifest.reused.chunks == new.account.chunks
    assert counted["hashed"] <= shards
    assert counted["rows"] <= 4 * old.account.chunks
    assert not (new.path / ".vecmill").exists()
    assert columns(new).equals(columns(run(into(path, "fresh", **small))))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda table: table.slice(1), "179 rows, and 180 in the manifest"),
        (lambda table: table.drop_columns("chunk_index"), "chunk_index"),
        (lambda table: table.drop_columns("text"), "text"),
        (
            lambda table: table.set_column(8, "embedding", table.column("tokens").cast("float32")),
            "its vectors are float",
        ),
        (lambda table: table.set_column(8, "embedding", pa.array([[1.0]] * 180, pa.list_(pa.float32(), 1))), "vectors"),
        (lambda table: table.set_column(8, "embedding", pa.array([None] * 180, pa.list_(pa.float32(), 8))), "vectors"),
    ],
    ids=["a row less", "no chunk_index", "no text", "numbers", "narrow", "nulls"],
)
def test_a_shard_that_is_none_is_told(corpus, into, change, told):
    """A stranger's file may hold anything: it is named, with what to do."""
    path = corpus(*(article(n) for n in range(20)))
    old = run(into(path, "old"))
    replace_shard(old, 0, change)
    with pytest.raises((StoreError, RunError), match=rf"is not what its run wrote \(.*({told}).*run without --since"):
        run(into(path, "new"), since=old.path)


def test_a_file_that_is_no_table_is_told(corpus, into):
    """Before any work."""
    path = corpus(article(1))
    old = run(into(path, "old"))
    (old.path / old.manifest.shards[0].path).write_bytes(b"no table")
    with pytest.raises(StoreError, match=r"is not what its run wrote \(.*run without --since"):
        run(into(path, "new"), since=old.path)


def test_titles_ids_and_texts_are_compared_as_a_whole(corpus, into):
    """Where one ends and the next begins makes a difference, as does the last letter of a long text."""
    long = "word " * 6 + "end"
    before = [{"id": "a", "title": "bc", "text": long}, {"id": "ab", "title": "c", "text": long}]
    old = run(into(corpus(*before, name="old.jsonl"), "old"))
    after = [{"id": "a", "title": "bc", "text": long[:-1] + "t"}, {"id": "abc", "title": "", "text": long}]
    new = run(into(corpus(*after, name="new.jsonl"), "new"), since=old.path)
    assert new.manifest.reused.chunks == 0


def test_a_repaired_dataset_is_accepted(corpus, into, embedded):
    """What was refused is known by its shards, not by its run: shards with vectors of before are done again."""
    path = corpus(*(article(n) for n in range(40)))
    small = {"shards": {"target_mb": 0.01}}
    old = run(into(path, "old", **small))
    last = len(old.manifest.shards) - 1
    honest = {name: (old.path / name).read_bytes() for name in ("manifest.json", old.manifest.shards[last].path)}
    replace_shard(old, last, lambda table: turn(table, slice(None)))
    with pytest.raises(RunError):
        run(into(path, "new", **small), since=old.path)
    for name, content in honest.items():
        (old.path / name).write_bytes(content)
    embedded.clear()
    done = []
    new = run(into(path, "new", **small), done.append, since=old.path)
    assert len([event for event in done if isinstance(event, ShardDone)]) == last + 1
    assert new.manifest.reused.chunks == new.account.chunks
    assert columns(new).equals(columns(run(into(path, "fresh", **small))))


def test_a_shard_that_is_tried_again_keeps_no_vector_of_a_refused_dataset(corpus, into, monkeypatch):
    """A run that was finished with some, and lacks documents, gives them up when the dataset is refused later."""
    rows = [article(n) for n in range(40)]
    small = {"shards": {"target_mb": 0.01}, "max_quarantine": 0.5}
    old = run(into(corpus(*rows, name="old.jsonl"), "old", **small))
    wrong = len(old.manifest.shards) // 2
    replace_shard(old, wrong, lambda table: turn(table, slice(None)))
    path = corpus(*rows, article(99, text="REFUSED by the engine"), name="new.jsonl")
    embed = HashEmbedder.embed

    def refuse(self, texts):
        if any("REFUSED" in text for text in texts):
            raise EmbedError("400")
        return embed(self, texts)

    monkeypatch.setattr(HashEmbedder, "embed", refuse)
    first = run(into(path, "new", **small), since=old.path, trust_vectors=True)
    assert first.manifest.reasons == {"not embedded": 1}
    (first.path / first.manifest.shards[wrong].path).write_bytes(b"damaged")
    with pytest.raises(RunError, match="no vector is taken"):
        run(into(path, "new", **small), since=old.path)
    new, fresh = run(into(path, "new", **small)), run(into(path, "fresh", **small))
    assert columns(new).equals(columns(fresh))
    assert new.manifest.reused is None


class Headed(ParagraphsChunker):
    """Takes the first word of the text for a title."""

    name = "paragraphs"

    def title(self, document):
        """Return it."""
        return document.text.split()[0]


def test_a_chunker_that_takes_its_title_from_the_text_reuses_no_vector(corpus, into, monkeypatch):
    """With another first word all chunks of a document have other vectors, though the texts of most are the same."""
    chunkers = load().registry.entries["chunker"]
    monkeypatch.setitem(chunkers, "paragraphs", type(chunkers["paragraphs"])(Headed, "tests"))
    rows = [article(n) for n in range(4)]
    old = run(into(corpus(*rows, name="old.jsonl"), "old"))
    path = corpus(*({**row, "text": "A " + row["text"]} for row in rows), name="new.jsonl")
    with pytest.raises(RunError, match=r"makes the title of document '0' from its text.*run without --since"):
        run(into(path, "new"), since=old.path)
    assert columns(run(into(path, "new"))).equals(columns(run(into(path, "fresh"))))
