"""Tests of vecmill.job.runner: whole jobs, with stand-ins for model and runtime alone."""

import json

import pyarrow.parquet as pq
import pytest

import vecmill
from vecmill.errors import ConfigError, EngineError, PluginError, RunError, StoreError
from vecmill.plugins import load
from vecmill.plugins.registry import Registered
from vecmill.protocols import Launcher, Options, Publisher
from vecmill.records import RunFinished, RunStarted, ShardDone
from vecmill.store.card import BEGIN
from vecmill.testing import AWKWARD_TEXTS, HashEmbedder

TEXTS = [
    f"Document {n} begins.\n\nIt has a second paragraph with a few more words in it, {n} of them or so. " * 4
    for n in range(40)
]


def rows(texts=TEXTS):
    """Return corpus rows."""
    return [
        {"id": f"d{n}", "title": f"Title {n}", "url": f"http://x/{n}", "text": text} for n, text in enumerate(texts)
    ]


def files(path):
    """Return every file of a dataset but the manifest and the card, which carry times."""
    return {p.relative_to(path).as_posix(): p.read_bytes() for p in path.rglob("*.parquet")}


def table(path):
    """Read a dataset."""
    return pq.read_table(path / "data")


def test_a_corpus_becomes_a_dataset_that_verifies(job, corpus, tmp_path):
    """Layout, columns, account and manifest are as the contract says, and every text is a slice of its document."""
    dataset = vecmill.run(job(corpus(*rows())))
    names = sorted(path.relative_to(dataset.path).as_posix() for path in dataset.path.rglob("*"))
    assert names == ["README.md", "data", "data/train-00000-of-00001.parquet", "manifest.json"]
    data = table(dataset.path)
    assert data.schema.names == ["id", "url", "title", "chunk_index", "start", "end", "text", "tokens", "embedding"]
    for row in data.to_pylist():
        source = TEXTS[int(row["id"][1:])]
        assert row["text"] == source[row["start"] : row["end"]]
    account = dataset.account
    assert (account.documents_in, account.documents_embedded, account.documents_quarantined) == (40, 40, 0)
    assert account.chunks == data.num_rows
    assert account.balanced
    assert vecmill.verify(dataset.path).ok
    manifest = json.loads((dataset.path / "manifest.json").read_text())
    assert {"recipe", "source", "model", "account", "shards", "timing"} <= manifest.keys()
    assert set(manifest["shards"][0]) == {"path", "rows", "bytes", "sha256"}


@pytest.mark.fault(
    "input",
    "NUL, combining marks, right-to-left, CJK, emoji, endless words",
    promise="Embedded completely.",
)
def test_awkward_texts_go_through_whole(job, corpus):
    """NUL, combining marks, right-to-left, CJK, emoji and endless words are embedded, not lost."""
    keys = {"embedder": {"name": "hash", "max_tokens": 6000}}
    dataset = vecmill.run(job(corpus(*rows(AWKWARD_TEXTS)), **keys))
    assert dataset.account.documents_embedded == len(AWKWARD_TEXTS)
    assert vecmill.verify(dataset.path).ok


def test_a_finished_run_does_nothing_and_a_damaged_shard_is_done_again_alone(job, corpus):
    """The same command checks; after one byte changes, verify names the shard and the run mends just that one."""
    work = job(corpus(*rows()), shards={"target_mb": 0.002})
    dataset = vecmill.run(work)
    before = files(dataset.path)
    assert len(before) > 3
    done = []
    vecmill.run(work, done.append)
    assert not [event for event in done if isinstance(event, ShardDone)]

    victim = dataset.path / dataset.manifest.shards[2].path
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    (fault,) = vecmill.verify(dataset.path).faults
    assert fault.path == dataset.manifest.shards[2].path
    vecmill.run(work, done.append)
    assert [event.receipt.index for event in done if isinstance(event, ShardDone)] == [2]
    assert files(dataset.path) == before
    assert vecmill.verify(dataset.path).ok


def test_an_interrupted_run_goes_on_and_ends_byte_identical(job, corpus, tmp_path):
    """Interrupted after two shards, the same call does only the others, and the files are an undisturbed run's."""
    work = job(corpus(*rows()), shards={"target_mb": 0.002})

    def interrupt(event):
        if isinstance(event, ShardDone) and event.receipt.index == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        vecmill.run(work, interrupt)
    with pytest.raises(StoreError, match="not finished"):
        vecmill.verify(tmp_path / "out")
    events = []
    resumed = vecmill.run(work, events.append)
    assert next(event for event in events if isinstance(event, RunStarted)).done == 2
    alone = vecmill.run(
        job(
            corpus(*rows()), shards={"target_mb": 0.002}, publish=[{"name": "parquet", "path": str(tmp_path / "alone")}]
        )
    )
    assert files(resumed.path) == files(alone.path)
    assert not (resumed.path / ".vecmill").exists()


@pytest.mark.fault(
    "input",
    "null, blank, malformed and duplicate rows",
    promise="Quarantined, each with its reason; the account adds up, and the rest is embedded.",
)
def test_bad_rows_are_quarantined_with_reasons_and_the_rest_is_embedded(job, corpus):
    """Null, blank, non-string and duplicate rows go to quarantine.parquet; the account adds up."""
    bad = [
        {"id": "null", "text": None},
        {"id": "blank", "text": " \n"},
        {"id": "number", "text": 7},
        {"id": "d3", "text": "a second d3"},
        {"id": None, "text": "no id"},
    ]
    dataset = vecmill.run(job(corpus(*rows(), *bad), max_quarantine=0.5))
    assert dataset.account.documents_quarantined == 5
    assert dataset.account.documents_embedded == 40
    found = {row["id"]: row["reason"] for row in pq.read_table(dataset.path / "quarantine.parquet").to_pylist()}
    assert found["null"] == "null text"
    assert found["blank"] == "blank text"
    assert found["d3"] == "duplicate id"
    assert found[None] == "null id"
    assert vecmill.verify(dataset.path).ok


@pytest.mark.fault(
    "input",
    "an id is in two shards",
    promise="The first document stays and the later one is quarantined, however the shards are cut, and whether or "
    "not the first could be embedded.",
)
def test_duplicate_ids_are_found_across_shards(job, corpus):
    """Wherever shards are cut, the first document of an id counts and later ones are set aside.

    Also where the engine refused the first one: which documents are duplicates is known from reading alone.
    """
    again = [{"id": name, "text": f"again {name}"} for name in ("d0", "d1", "refused")]
    twice = [{"id": "refused", "text": "POISON"}, *rows(), *again]
    keys = {"max_quarantine": 0.5, "embedder": {"name": "hash", "refuse": "POISON"}}
    one = vecmill.run(job(corpus(*twice), **keys))
    many = vecmill.run(
        job(
            corpus(*twice),
            shards={"target_mb": 0.002},
            publish=[{"name": "parquet", "path": str(one.path) + "-many"}],
            **keys,
        )
    )
    assert len(many.manifest.shards) > 3
    assert one.account == many.account
    assert one.account.documents_quarantined == 4
    assert table(one.path).equals(table(many.path))
    quarantined = [pq.read_table(d.path / "quarantine.parquet") for d in (one, many)]
    assert quarantined[0].equals(quarantined[1])
    assert quarantined[0].column("reason").to_pylist() == ["not embedded", *["duplicate id"] * 3]
    assert vecmill.verify(many.path).ok


@pytest.mark.fault(
    "input",
    "more documents are quarantined than max_quarantine allows",
    promise="The run fails at its end and the dataset stays; with a higher limit nothing is embedded again.",
)
def test_too_many_bad_rows_fail_the_run_and_keep_the_dataset(job, corpus):
    """Over max_quarantine the run fails at its end; with a higher limit nothing is embedded again."""
    path = corpus(*rows(), *({"id": f"bad{n}", "text": ""} for n in range(5)))
    with pytest.raises(RunError, match=r"5 of 45 documents were quarantined \(5 blank text\)"):
        vecmill.run(job(path))
    events = []
    dataset = vecmill.run(job(path, max_quarantine=0.2), events.append)
    assert dataset.manifest.status == "complete"
    assert not [event for event in events if isinstance(event, ShardDone)]


@pytest.mark.fault(
    "input",
    "one chunk of a document cannot be embedded",
    promise="The whole document is quarantined: the dataset has no half documents.",
)
def test_a_document_with_one_refused_chunk_is_quarantined_whole(job, corpus):
    """The dataset holds no half documents."""
    texts = [*TEXTS[:5], "A good start. " * 40 + "\n\nthen POISON\n\n" + "a good end. " * 40]
    for keys in ({"refuse": "POISON"}, {"spoil": "POISON"}):
        work = job(corpus(*rows(texts)), embedder={"name": "hash", **keys}, max_quarantine=0.5)
        dataset = vecmill.run(work, overwrite=True)
        assert dataset.account.documents_quarantined == 1
        assert "d5" not in table(dataset.path).column("id").to_pylist()
        (row,) = pq.read_table(dataset.path / "quarantine.parquet").to_pylist()
        assert (row["id"], row["reason"], row["text"]) == ("d5", "not embedded", texts[5])


@pytest.mark.fault(
    "input",
    "a chunk is too long for the model",
    promise="Its document is quarantined or, with truncate = true, it is cut and counted.",
)
def test_long_chunks_are_quarantined_or_counted_never_cut_in_silence(job, corpus):
    """A chunk over the model's limit sets its document aside, unless truncate = true counts it."""
    path = corpus(*rows(["short", "word " * 30]))
    keys = {"chunker": {"name": "characters", "size": 1000}, "embedder": {"name": "hash", "max_tokens": 16}}
    refused = vecmill.run(job(path, max_quarantine=1, **keys))
    assert (refused.account.documents_quarantined, refused.account.truncated_chunks) == (1, 0)
    cut = vecmill.run(job(path, truncate=True, **keys), overwrite=True)
    assert (cut.account.documents_quarantined, cut.account.truncated_chunks) == (0, 1)
    assert table(cut.path).column("tokens").to_pylist() == [3, 16]


@pytest.mark.fault(
    "folder",
    "the folder holds another run",
    promise="Refused; the message names the key in which the two differ.",
)
def test_another_run_in_the_folder_is_refused_and_told_apart(job, corpus):
    """The message says in which key the runs differ; --overwrite replaces."""
    path = corpus(*rows())
    vecmill.run(job(path))
    other = job(path, chunker={"name": "paragraphs", "max_tokens": 16})
    with pytest.raises(StoreError, match=r"chunker.max_tokens \(32 there, 16 now\): choose another folder or"):
        vecmill.run(other)
    assert vecmill.run(other, overwrite=True).manifest.recipe["chunker"]["max_tokens"] == 16


@pytest.mark.fault(
    "folder",
    "the folder holds files that vecmill did not write",
    promise="Refused, even with --overwrite.",
)
def test_a_folder_with_other_things_in_it_is_never_touched(job, corpus, tmp_path):
    """Files that vecmill did not write stop the run, with --overwrite too."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("years of work")
    for overwrite in (False, True):
        with pytest.raises(StoreError, match=r"thesis\.tex"):
            vecmill.run(job(corpus(*rows())), overwrite=overwrite)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.tex"]


@pytest.mark.fault(
    "folder",
    "a user has written into the card, between its marks",
    promise="The section stays: when a shard is made again, when the job states another licence, and with --overwrite.",
)
def test_a_users_own_words_stay_in_the_card(job, corpus):
    """Whatever has the card written again."""
    path = corpus(*rows())
    dataset = vecmill.run(job(path))
    card = dataset.path / "README.md"
    card.write_text(card.read_text().replace(BEGIN, f"{BEGIN}\nMine."))
    (dataset.path / dataset.manifest.shards[0].path).unlink()
    vecmill.run(job(path))
    assert "\nMine.\n" in card.read_text()
    vecmill.run(job(path, source={"name": "jsonl", "path": str(path), "license": ["mit"]}))
    assert "\nMine.\n" in card.read_text()
    vecmill.run(job(path, chunker={"name": "paragraphs", "max_tokens": 16}), overwrite=True)
    assert "\nMine.\n" in card.read_text()


@pytest.mark.fault(
    "source",
    "its content changed since the run began",
    promise="It is another run, which is refused in the folder of the first.",
)
def test_changed_content_is_another_run(job, corpus):
    """The fingerprint of the source is part of a run's identity."""
    vecmill.run(job(corpus(*rows())))
    with pytest.raises(StoreError, match=r"content \(the source has changed\): .* with --since .* reuses the vectors"):
        vecmill.run(job(corpus(*rows([*TEXTS, "one more"]))))


def test_source_columns_are_carried_along(job, corpus):
    """source.keep brings columns with their types, once for each chunk."""
    path = corpus(*({**row, "lang": "en", "year": 1900 + n} for n, row in enumerate(rows())))
    keep = {"source": {"name": "jsonl", "path": str(path), "keep": ["lang", "year"]}}
    data = table(vecmill.run(job(path, **keep)).path)
    assert all(row["year"] == 1900 + int(row["id"][1:]) and row["lang"] == "en" for row in data.to_pylist())


def test_a_kept_column_must_not_take_the_name_of_ours(job, corpus):
    """A collision is refused before any work."""
    path = corpus(*({**row, "tokens": 1} for row in rows()))
    with pytest.raises(ConfigError, match="tokens"):
        vecmill.run(job(path, source={"name": "jsonl", "path": str(path), "keep": ["tokens"]}))


@pytest.mark.fault(
    "folder",
    "the job file is wrong",
    promise="Refused before anything is written.",
)
def test_a_wrong_option_is_refused_before_anything_is_written(job, corpus, tmp_path):
    """Unknown components and keys stop the job while the folder is still untouched."""
    path = corpus(*rows())
    wrong = (
        {"embedder": {"name": "hush"}},
        {"chunker": {"name": "paragraphs", "max_token": 3}},
        {"runtime": {"name": "inline", "workers": 3}},
    )
    for keys in wrong:
        with pytest.raises(ConfigError):
            vecmill.run(job(path, **keys))
    assert not (tmp_path / "out").exists()


def test_observers_hear_the_whole_story(job, corpus):
    """Start, shards and end are told, in that order."""
    events = []
    vecmill.run(job(corpus(*rows()), shards={"target_mb": 0.002}), events.append)
    assert isinstance(events[0], RunStarted)
    assert isinstance(events[-1], RunFinished)
    assert sum(isinstance(event, ShardDone) for event in events) == events[0].shards


def test_a_publisher_is_made_once_for_a_run(job, corpus, monkeypatch):
    """It may look up an account, or open a connection, when it is made."""
    cls, made = load().registry.get("publisher", "parquet"), []
    monkeypatch.setattr(
        cls, "__init__", lambda self, config: (made.append(config), Publisher.__init__(self, config))[1]
    )
    vecmill.run(job(corpus(*rows(TEXTS[:3]))))
    assert len(made) == 1


def test_what_is_said_of_the_text_is_in_manifest_and_card_and_embeds_nothing_again(job, corpus):
    """Licence and language of the source; other words later are taken up by the same run, its cost and all kept."""
    path = corpus(*rows())
    tables = [{"name": "jsonl", "path": str(path), **words} for words in ({}, {"license": "mit", "language": ["en"]})]
    first, second = (vecmill.run(job(path, source=source)) for source in tables)
    assert first.manifest.run_id == second.manifest.run_id
    assert first.manifest.timing == second.manifest.timing
    assert first.manifest.source.terms.license == ()
    assert second.manifest.source.terms.license == ("mit",)
    card = (second.path / "README.md").read_text()
    assert 'license:\n- "mit"\nlanguage:\n- "en"\n' in card
    assert vecmill.verify(second.path).ok
    assert second.manifest.columns["embedding"].startswith("fixed_size_list<")


def test_a_launcher_that_returns_no_dataset_is_named(job, corpus, monkeypatch):
    """The message does not blame vecmill."""
    empty = type("Empty", (Launcher,), {"name": "empty", "Config": Options, "run": lambda *_: None})
    monkeypatch.setitem(load().registry.entries["launcher"], "empty", Registered(empty, "empty"))
    with pytest.raises(PluginError, match=r"the launcher 'empty' gave NoneType, not Dataset, at run\(\): report"):
        vecmill.run(job(corpus(*rows(TEXTS[:2])), runtime={"name": "empty"}))


def test_an_embedder_that_describes_no_model_is_named(job, corpus, monkeypatch):
    """The message does not blame vecmill."""
    monkeypatch.setattr(HashEmbedder, "model", lambda _: {"id": "hash"})
    with pytest.raises(PluginError, match=r"the embedder 'hash' gave dict, not ModelInfo, at model\(\): report"):
        vecmill.run(job(corpus(*rows(TEXTS[:2])), embedder={"name": "hash"}))


def test_a_plugins_error_of_several_lines_is_one_line(job, corpus, monkeypatch):
    """As pydantic and Arrow write them: a message is a line."""

    def fail(_):
        raise ValueError("1 validation error\nsimilarity\n  is not one\n")

    monkeypatch.setattr(HashEmbedder, "model", fail)
    with pytest.raises(EngineError, match="ValueError: 1 validation error similarity is not one: run the same"):
        vecmill.run(job(corpus(*rows(TEXTS[:2])), embedder={"name": "hash"}))
