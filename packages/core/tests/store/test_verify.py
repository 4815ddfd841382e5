"""Tests of vecmill.store.verify: a dataset in the hands of somebody who changes it."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import vecmill
from tampering import Copy, change_leaf, leaves, remove_leaf, set_cell
from vecmill.errors import ConfigError
from vecmill.store import verify as verifying
from vecmill.store.verify import verify
from vecmill.testing import install

CORPUS = Path(__file__).parent / "first_format" / "corpus.jsonl"
EMBEDDED = "tokens and vectors follow from the texts by way of the model: `vecmill verify --embed` asks it"
SIGNED = "only the source knows: `vecmill verify --expect` holds the manifest to the run that wrote it"

CHANGED_ALONE = {
    "timing.wall_seconds": SIGNED,
    "reused.run_id": SIGNED,
    "split": SIGNED,
}
"""Values of a manifest that can be changed without a contradiction, while all else stays."""
HIDDEN = {
    **CHANGED_ALONE,
    "vecmill": SIGNED,
    "run_id": "it is made right again, as the hash of the identity",
    "source.terms.license.0": SIGNED,
    "source.terms.license_name": SIGNED,
    "source.terms.license_link": SIGNED,
    "source.terms.language.0": SIGNED,
    "model.id": "the embedder `hash` has no option that names it; those of openvino and tei have",
    "account.shortened_titles": SIGNED,
    "timing.worker_seconds": SIGNED,
}
"""Those that can be changed if run id and card are made to fit."""
DEFAULT = "a missing value is its default, which this dataset has"
REMOVED = {
    "status": DEFAULT,
    "model.prompt": DEFAULT,
    "model.query_prompt": DEFAULT,
    "model.precision": DEFAULT,
    "account.truncated_chunks": DEFAULT,
    "account.shortened_titles": DEFAULT,
    "cost": DEFAULT,
    "source.terms.license_name": DEFAULT,
    "source.terms.license_link": DEFAULT,
    "max_quarantine": "manifests of the first format have none",
    "split": "manifests of the first format have none",
    "model.files": DEFAULT,
    "model.outputs.0.name": DEFAULT,
    "model.outputs.0.kind": DEFAULT,
    "model.outputs.0.dtype": DEFAULT,
    "model.similarity": "it is that of the output",
    "reused.runs": DEFAULT,
    "duplicates.4.0": SIGNED,
    "duplicates.4.1": SIGNED,
}
"""Those that can be removed."""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """A dataset in five shards, with all that a manifest may hold but a cost."""
    install()
    folder = tmp_path_factory.mktemp("dataset")
    job = {
        "source": {
            "name": "jsonl",
            "path": str(CORPUS),
            "keep": ["lang", "tags", "score"],
            "license": ["cc-by-4.0"],
            "language": ["en"],
        },
        "chunker": {"name": "paragraphs", "max_tokens": 32},
        "embedder": {"name": "hash", "refuse": "REFUSED"},
        "runtime": {"name": "inline"},
        "shards": {"target_mb": 0.01},
        "max_quarantine": 0.5,
    }
    first = vecmill.run(vecmill.Job(**job, publish=[{"name": "parquet", "path": str(folder / "first")}]))
    made = vecmill.run(vecmill.Job(**job, publish=[{"name": "parquet", "path": str(folder / "out")}]), since=first.path)
    assert (made.manifest.reused.chunks, len(made.manifest.shards)) == (208, 5)
    assert verify(made.path).faults == []
    return made.path


@pytest.fixture
def copy(dataset, tmp_path):
    """A copy to tamper with."""
    return Copy(shutil.copytree(dataset, tmp_path / "copy"))


def survivors(dataset, tmp_path, tamper):
    """Return which values of the manifest can be tampered with so that ``verify`` finds nothing."""
    every = json.loads((dataset / "manifest.json").read_bytes())
    folder = tmp_path / "copy"
    shutil.copytree(dataset, folder)
    readme = (dataset / "README.md").read_bytes()
    found = set()
    for leaf in leaves(every):
        (folder / "README.md").write_bytes(readme)
        copy = Copy(folder)
        copy.manifest = json.loads(json.dumps(every))
        tamper(copy, leaf)
        if not copy.is_found():
            found.add(".".join(map(str, leaf)))
    return found


def test_a_manifest_of_which_one_value_is_changed_contradicts_itself_or_its_files(dataset, tmp_path):
    """Every value at every depth, but those that are listed with the reason."""

    def tamper(copy, leaf):
        change_leaf(copy.manifest, leaf)
        copy.write()

    assert survivors(dataset, tmp_path, tamper) == set(CHANGED_ALONE)


def test_a_changed_value_is_found_though_run_id_and_card_are_made_to_fit(dataset, tmp_path):
    """Every value at every depth, but those that are listed with the reason."""

    def tamper(copy, leaf):
        change_leaf(copy.manifest, leaf)
        try:
            copy.hide()
        except ValueError:  # such a manifest is refused, so there is no card of it
            copy.write()

    assert survivors(dataset, tmp_path, tamper) == set(HIDDEN)


def test_a_manifest_of_which_one_value_is_removed_contradicts_itself_or_its_files(dataset, tmp_path):
    """Every value at every depth, but those that are listed with the reason."""

    def tamper(copy, leaf):
        remove_leaf(copy.manifest, leaf)
        copy.write()

    assert survivors(dataset, tmp_path, tamper) == set(REMOVED)


def cell(name, row, value, shard=1):
    """Return what changes one value of a shard."""
    return lambda copy: copy.rewrite(copy.shard(shard), set_cell(name, row, value))


def refused(name, row, value):
    """Return what changes one value of the quarantine."""
    return lambda copy: copy.rewrite(copy.quarantine, set_cell(name, row, value))


def fact(before, after):
    """Return what changes the card."""

    def change(copy):
        readme = copy.root / "README.md"
        text = readme.read_text(encoding="utf-8")
        assert before in text
        readme.write_text(text.replace(before, after, 1), encoding="utf-8")

    return change


def table(change, shard=1):
    """Return what changes the rows of a shard."""
    return lambda copy: copy.rewrite(copy.shard(shard), change)


def every_table(change):
    """Return what changes the rows of all shards."""

    def tamper(copy):
        for number in range(len(copy.manifest["shards"])):
            copy.rewrite(copy.shard(number), change)

    return tamper


def add(name, content=b"PAR1"):
    """Return what adds a file."""

    def tamper(copy):
        path = copy.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)

    return tamper


def account(change, *tampers):
    """Return what tampers, and then makes the account fit by adding to it."""

    def tamper(copy):
        for each in tampers:
            each(copy)
        for key, value in change.items():
            copy.manifest["account"][key] += value
        copy.manifest["reused"]["chunks"] += change.get("chunks", 0)

    return tamper


def vectors(change):
    """Return what changes the vectors of a shard, as an array."""

    def tamper(rows):
        column = rows.column("embedding").combine_chunks()
        array = np.array(column.flatten()).reshape(len(rows), -1)
        changed = pa.FixedSizeListArray.from_arrays(pa.array(change(array).ravel()), type=column.type)
        return rows.set_column(rows.column_names.index("embedding"), rows.schema.field("embedding"), changed)

    return table(tamper)


def reorder(order):
    """Return what puts rows in another order."""
    return lambda rows: rows.take(pa.array([*order, *range(len(order), len(rows))]))


def cast(name, kind):
    """Return what gives a column another type."""

    def tamper(rows):
        number = rows.column_names.index(name)
        return rows.set_column(number, pa.field(name, kind, nullable=False), rows.column(name).cast(kind))

    return tamper


def exchange_shards(copy):
    """Exchange the content of two shards."""
    one, other = copy.shard(0), copy.shard(1)
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def swap_entries(copy):
    """Exchange the places of two shards in the manifest."""
    shards = copy.manifest["shards"]
    shards[0], shards[1] = shards[1], shards[0]


def drop_shard(copy):
    """Take a shard out, with its rows out of the account."""
    path = copy.shard(4)
    rows = pq.read_table(path, partitioning=None)
    path.unlink()
    gone = copy.manifest["shards"].pop()
    copy.manifest["account"]["chunks"] -= gone["rows"]
    copy.manifest["account"]["tokens"] -= sum(rows["tokens"].to_pylist())


def rename_shards(copy):
    """Give the shards other names."""
    for entry in copy.manifest["shards"]:
        renamed = entry["path"].replace("train", "part")
        (copy.root / entry["path"]).rename(copy.root / renamed)
        entry["path"] = renamed


def move_shards(copy):
    """Put the shards into another folder."""
    (copy.root / "data").rename(copy.root / "rows")
    for entry in copy.manifest["shards"]:
        entry["path"] = entry["path"].replace("data/", "rows/")


def drop_quarantine(copy):
    """Take the quarantine out of the folder and the manifest."""
    copy.quarantine.unlink()
    copy.manifest["quarantine"] = None


def drop_column(copy):
    """Take a column out of all shards and the manifest."""
    every_table(lambda rows: rows.drop_columns(["lang"]))(copy)
    del copy.manifest["columns"]["lang"]


def take_reason_out(copy):
    """Take a row out of the quarantine, and out of reasons and account."""
    copy.rewrite(copy.quarantine, lambda rows: pa.concat_tables([rows.slice(0, 4), rows.slice(5)]))
    copy.manifest["reasons"]["duplicate id"] -= 1
    account({"documents_in": -1, "documents_quarantined": -1})(copy)


def repeat_refused(copy):
    """Count a document that the engine refused twice."""
    copy.rewrite(copy.quarantine, lambda rows: pa.concat_tables([rows, rows.slice(0, 1)]))
    copy.manifest["reasons"]["not embedded"] += 1
    account({"documents_in": 1, "documents_quarantined": 1})(copy)


def remove_document(copy):
    """Take a document out, and make the account fit."""
    gone = pq.read_table(copy.shard(1), partitioning=None).slice(0, 4)
    assert gone["id"].unique().to_pylist() == ["d15"]
    copy.rewrite(copy.shard(1), lambda rows: rows.slice(4))
    lengths = sum(map(len, gone["text"].to_pylist()))
    change = {"documents_in": -1, "documents_embedded": -1, "chunks": -4, "characters": -lengths}
    account(change | {"tokens": -sum(gone["tokens"].to_pylist())})(copy)


def cut_document(copy):
    """Take the last chunk of a document out, and make the account fit."""
    rows = pq.read_table(copy.shard(1), partitioning=None)
    last = rows.slice(len(rows) - 1)
    copy.rewrite(copy.shard(1), lambda rows: rows.slice(0, len(rows) - 1))
    account({"chunks": -1, "characters": -len(last["text"][0].as_py()), "tokens": -last["tokens"][0].as_py()})(copy)


def link_folder(copy):
    """Put a link to a folder of other rows among the shards."""
    other = copy.root.with_name("other")
    other.mkdir()
    (copy.root / "data" / "more").symlink_to(other)


def rotate(array):
    """Exchange two vectors."""
    array[[0, 1]] = array[[1, 0]]
    return array


def element(array):
    """Make one number of one vector none."""
    array[1, 3] = np.nan
    return array


def null_element(rows):
    """Make one number of one vector null."""
    column = rows.column("embedding").combine_chunks()
    numbers = column.flatten().to_pylist()
    numbers[5] = None
    kind = pa.list_(pa.float32(), 8)
    changed = pa.FixedSizeListArray.from_arrays(pa.array(numbers, pa.float32()), type=kind)
    return rows.set_column(rows.column_names.index("embedding"), pa.field("embedding", kind), changed)


SEALED = {
    "a shard is missing": lambda copy: copy.shard(1).unlink(),
    "a shard is no Parquet file": lambda copy: copy.shard(1).write_bytes(b"PAR1 nothing"),
    "a shard is empty": lambda copy: copy.shard(1).write_bytes(b""),
    "a shard has a damaged footer": lambda copy: copy.shard(1).write_bytes(
        copy.shard(1).read_bytes()[:-60] + bytes(60)
    ),
    "a shard is a copy of another": lambda copy: shutil.copy(copy.shard(0), copy.shard(1)),
    "the last shard is out of the manifest": lambda copy: copy.manifest["shards"].pop(),
    "the last shard is gone": drop_shard,
    "two shards have exchanged places in the manifest": swap_entries,
    "shards have other names": rename_shards,
    "shards are in another folder": move_shards,
    "a file beside the shards": add("data/x.parquet"),
    "a file in a folder beside the shards": add("data/sub/x.parquet"),
    "a file in capitals beside the shards": add("data/X.PARQUET"),
    "a hidden Parquet file beside the shards": add("data/.x.parquet"),
    "a file that is no Parquet beside the shards": add("data/notes.txt", b"x"),
    "a link to a folder beside the shards": link_folder,
    "a folder like a published run": add("data/run-1-00000000/x.parquet"),
    "a folder like smaller vectors": add("data/int8/train-00000-of-00005.parquet"),
    "a Parquet file beside the manifest": add("more.Parquet"),
    "id of a chunk": cell("id", 1, "other"),
    "id of a chunk is empty": cell("id", 1, ""),
    "id of a document of another shard": cell("id", [0, 1, 2, 3], "d0"),
    "url of a chunk": cell("url", 1, "https://example.org/other"),
    "title of a chunk": cell("title", 1, "other"),
    "a text that was carried along, of a chunk": cell("lang", 1, "fr"),
    "a list that was carried along, of a chunk": cell("tags", 1, ["b"]),
    "a number that was carried along, of a chunk": cell("score", 1, 0.5),
    "a number that was carried along is NaN, of a chunk": cell("score", 1, float("nan")),
    "a value that was carried along is null, of a chunk": cell("lang", 1, None),
    "chunk_index": cell("chunk_index", 1, 2),
    "start": cell("start", 1, 3),
    "start is negative": cell("start", 0, -1),
    "end": cell("end", 1, 3),
    "text is longer": cell("text", 1, lambda text: f"{text}x"),
    "text is empty": cell("text", 1, ""),
    "tokens": cell("tokens", 1, lambda tokens: tokens + 1),
    "tokens is more than the model takes": cell("tokens", 1, 65),
    "tokens is negative": account({"tokens": -100}, cell("tokens", 1, lambda tokens: tokens - 100)),
    "a vector is not a number": vectors(element),
    "a vector is zero": vectors(lambda array: array * 0),
    "a vector is longer": vectors(lambda array: array * 2),
    "a number of a vector is null": table(null_element),
    "two chunks of a document have exchanged places": table(reorder([1, 0])),
    "a row is there twice": table(lambda rows: pa.concat_tables([rows.slice(0, 1), rows])),
    "the first row is gone": table(lambda rows: rows.slice(1)),
    "a row in the middle is gone": table(lambda rows: pa.concat_tables([rows.slice(0, 1), rows.slice(2)])),
    "the last document is gone": table(lambda rows: rows.slice(0, len(rows) - 4)),
    "a column of one shard is gone": table(lambda rows: rows.drop_columns(["lang"])),
    "a column of one shard is more": table(lambda rows: rows.append_column("more", rows["id"])),
    "a column stands twice": table(lambda rows: rows.append_column("lang", rows["lang"])),
    "a column has another name": table(lambda rows: rows.rename_columns({"lang": "tongue"})),
    "columns of one shard are in another order": table(lambda rows: rows.select(rows.column_names[::-1])),
    "columns of all shards are in another order": every_table(lambda rows: rows.select(rows.column_names[::-1])),
    "a column of one shard has another type": table(cast("tokens", pa.int64())),
    "a column of all shards has another type": every_table(cast("tokens", pa.int64())),
    "a kept column of all shards has another type": every_table(cast("lang", pa.large_string())),
    "a column of one shard may be null": table(
        lambda rows: rows.cast(rows.schema.set(0, pa.field("id", pa.string(), nullable=True)))
    ),
    "a kept column is gone everywhere": drop_column,
    "the quarantine is missing": lambda copy: copy.quarantine.unlink(),
    "the quarantine is out of the manifest": lambda copy: copy.manifest.update(quarantine=None),
    "the quarantine is gone": drop_quarantine,
    "the quarantine is empty": lambda copy: copy.rewrite(copy.quarantine, lambda rows: rows.slice(0, 0)),
    "the quarantine has lost a row": lambda copy: copy.rewrite(copy.quarantine, lambda rows: rows.slice(1)),
    "the quarantine has other columns": lambda copy: copy.rewrite(copy.quarantine, lambda r: r.drop_columns(["url"])),
    "the quarantine has other types": lambda copy: copy.rewrite(copy.quarantine, cast("detail", pa.large_string())),
    "a refused document is there twice": repeat_refused,
    "a duplicate that the manifest lists was not set aside": refused("id", 6, "d0"),
    "a duplicate of nothing was set aside": refused("id", 4, "nothing"),
    "a refused document has the id of one in a shard": refused("id", 0, "d0"),
    "a refused document has no id": refused("id", 0, None),
    "a refused document has no text": refused("text", 0, None),
    "a document without an id has one": refused("id", 3, "x"),
    "a document without a text has one": refused("text", 2, "x"),
    "a reason is another": refused("reason", 0, "too long"),
    "a reason is new": refused("reason", 0, "bad luck"),
    "two reasons are exchanged": lambda copy: copy.rewrite(
        copy.quarantine, lambda rows: set_cell("reason", 2, "null id")(set_cell("reason", 3, "null text")(rows))
    ),
    "the card is missing": lambda copy: (copy.root / "README.md").unlink(),
    "the card is another": lambda copy: (copy.root / "README.md").write_text("# Notes\n"),
    "the card is not text": lambda copy: (copy.root / "README.md").write_bytes(b"\xff"),
    "the card's chunks": fact("208 chunks of 52 documents", "209 chunks of 52 documents"),
    "the card's documents": fact("208 chunks of 52 documents", "208 chunks of 53 documents"),
    "the card's dimensions": fact("\n8 dimensions", "\n9 dimensions"),
    "the card's width of a vector": fact("fixed-size list of 8 float32", "fixed-size list of 9 float32"),
    "the card's model": fact("| model | `hash` |", "| model | `other` |"),
    "the card's pooling": fact("| mean, unit length |", "| cls, unit length |"),
    "the card's prompt": fact("| put in front of a query | nothing |", "| put in front of a query | `query: ` |"),
    "the card's recipe": fact('"max_tokens": 32', '"max_tokens": 33'),
    "the card's account": fact("| documents in | 60 |", "| documents in | 61 |"),
    "the card's rows for readers": fact("num_examples: 208", "num_examples: 209"),
    "the card's bytes for readers": fact("download_size: ", "download_size: 1"),
    "the card's type of a column": fact('dtype: "int32"', 'dtype: "int64"'),
    "the card's path for readers": fact('path: "data/train-*.parquet"', 'path: "data/sub/*.parquet"'),
    "the card's licence": fact('- "cc-by-4.0"', '- "mit"'),
    "the card's licence is gone": fact('license:\n- "cc-by-4.0"\n', ""),
    "the card's language": fact('language:\n- "en"', 'language:\n- "de"'),
    "the card's name of a licence": fact("license:\n", 'license_name: "mine"\nlicense:\n'),
    "the card's name": fact("# jsonl embedded with hash", "# wikipedia embedded with hash"),
    "the card's source": fact("from the source `jsonl`, run", "from the source `hub`, run"),
    "the card's run": fact(", run `", ", run `x"),
    "the card's front matter is gone": fact("---\n", ""),
}
"""What ``verify`` finds though the manifest has the size, the rows and the hash of each file as they are now."""

UNKNOWABLE = {
    "two vectors are exchanged": (vectors(rotate), EMBEDDED),
    "a vector is another": (vectors(lambda array: -array), EMBEDDED),
    "a text of the same length": (cell("text", 1, lambda text: text[::-1]), EMBEDDED),
    "the title of a whole document": (cell("title", [0, 1, 2, 3], "x"), EMBEDDED),
    "tokens, and the account with them": (
        account({"tokens": 1}, cell("tokens", 1, lambda tokens: tokens + 1)),
        EMBEDDED,
    ),
    "a document is gone, also from the account": (remove_document, SIGNED),
    "the last chunk of a document is gone, also from the account": (cut_document, SIGNED),
    "two shards are exchanged": (exchange_shards, "the order of the source is in no file"),
    "two documents are exchanged": (table(reorder([4, 5, 6, 7, 0, 1, 2, 3])), "the order of the source is in no file"),
    "a document that was set aside is gone, also from the account": (take_reason_out, SIGNED),
    "the text of a document that was set aside": (refused("text", 0, "x"), SIGNED),
    "the title of a document that was set aside": (refused("title", 0, "x"), SIGNED),
    "the url of a document that was set aside": (refused("url", 0, "x"), SIGNED),
    "the id of a document that was set aside": (refused("id", 5, "x"), SIGNED),
    "why a document was set aside, in words": (refused("detail", 0, "x"), SIGNED),
    "a column of all shards is more": (
        every_table(lambda rows: rows.append_column("more", rows["id"])),
        "a plugin's source may carry columns along that no option names",
    ),
    "the user's own text in the card": (
        fact("next run. -->\n", "next run. -->\nMy own: 12 chunks of 3 documents, run `x`.\n| model | `mine` |\n"),
        "it is the user's",
    ),
    "the words of the card": (fact("never null, always finite", "sometimes finite"), "versions word it differently"),
}
"""What no file of the dataset contradicts, with the reason; the list is not to grow."""


@pytest.mark.fault(
    "disk",
    "somebody changes rows, quarantine, card or files of a finished dataset and adapts the hashes in its manifest",
    promise="`vecmill verify` finds what contradicts the rest; the test lists what no file can show, with the reason.",
)
@pytest.mark.parametrize("name", SEALED)
def test_a_tampering_is_found_though_the_hashes_are_made_to_fit(copy, name):
    """What stands beside it contradicts it."""
    SEALED[name](copy)
    copy.seal()
    if "card" not in name and (copy.root / "README.md").exists():
        copy.remake_card()
    assert copy.is_found()


@pytest.mark.parametrize("name", UNKNOWABLE)
def test_what_no_file_contradicts_is_listed_with_its_reason(copy, name):
    """A tampering that is found from now on goes to the others."""
    tamper, reason = UNKNOWABLE[name]
    tamper(copy)
    if name.startswith("a column of all"):
        copy.manifest["columns"]["more"] = "string"
    copy.seal()
    if "card" not in name:
        copy.remake_card()
    assert not copy.is_found()
    assert reason


def test_a_tampering_of_which_the_hash_tells_is_found(copy):
    """One bit of any file that the manifest names."""
    for path in (copy.shard(0), copy.shard(4), copy.quarantine):
        content = path.read_bytes()
        path.write_bytes(content[:-30] + bytes([content[-30] ^ 1]) + content[-29:])
        (found,) = verify(copy.root).faults
        assert found.path == path.relative_to(copy.root).as_posix()
        assert "sha256 differs" in found.problem
        path.write_bytes(content)


@pytest.mark.fault(
    "disk",
    "somebody changes a finished dataset and its manifest consistently",
    promise="`vecmill verify --expect` with the sha256 that the run printed reports the change.",
)
def test_a_signed_manifest_is_held_to_its_hash(dataset, copy):
    """The hash of the file as the run wrote it, in any case of letters."""
    written = hashlib.sha256((dataset / "manifest.json").read_bytes()).hexdigest()
    assert verify(dataset).sha256 == written
    assert verify(dataset, expect=written.upper()).ok
    remove_document(copy)
    copy.seal()
    copy.remake_card()
    assert verify(copy.root).ok
    (found,) = verify(copy.root, expect=written).faults
    assert (found.path, found.problem.startswith("its sha256 is ")) == ("manifest.json", True)
    with pytest.raises(ConfigError, match="'abc' is no sha256: give the 64 hex digits"):
        verify(dataset, expect="abc")


def test_faults_are_sorted_and_of_many_the_rest_is_counted(copy, monkeypatch):
    """A sentence each, one for each kind of a shard, by path."""
    monkeypatch.setattr(verifying, "MOST", 3)
    for number in range(5):
        copy.rewrite(copy.shard(number), set_cell("url", 1, "x"))
    copy.seal()
    copy.remake_card()
    result = verify(copy.root)
    assert [fault.path for fault in result.faults] == [copy.manifest["shards"][i]["path"] for i in range(3)]
    assert {fault.problem for fault in result.faults} == {
        "row 1: url is not the one of the chunk before, of the same document (2 rows)"
    }
    assert result.more == 2
    assert not result.ok


def test_rows_of_a_document_in_two_row_groups_are_one_document(copy):
    """Whole ones, and a title that changes just there."""
    pq.write_table(pq.read_table(copy.shard(1), partitioning=None), copy.shard(1), row_group_size=3)
    copy.seal()
    copy.remake_card()
    assert verify(copy.root).faults == []
    rows = set_cell("title", 3, "x")(pq.read_table(copy.shard(1), partitioning=None))
    pq.write_table(rows, copy.shard(1), row_group_size=3)
    copy.seal()
    copy.remake_card()
    (found,) = verify(copy.root).faults
    assert found.problem == "row 3: title is not the one of the chunk before, of the same document (1 rows)"


def test_a_nan_that_was_carried_along_is_the_same_in_all_chunks(copy):
    """NaN is no other value than NaN, nor is a list that holds one."""
    number = {name: index for index, name in enumerate(copy.manifest["columns"])}

    def spoil(rows):
        nan = pa.array([float("nan")] * len(rows))
        nested = pa.array([[float("nan")]] * len(rows))
        rows = rows.set_column(number["score"], "score", nan)
        return rows.set_column(number["tags"], "tags", nested)

    every_table(spoil)(copy)
    copy.manifest["columns"]["tags"] = "list<element: double>"
    copy.seal()
    copy.remake_card()
    assert verify(copy.root).faults == []


@pytest.mark.parametrize("part", ["source", "chunker", "batching", "embedder"])
@pytest.mark.parametrize("value", [None, [], "x", 1])
def test_a_recipe_of_another_shape_is_refused_or_a_fault(copy, part, value):
    """And no error of vecmill's own: the parts that a search needs are checked when the manifest is read."""
    copy.manifest["recipe"][part] = value
    copy.write()
    assert copy.is_found()


def test_what_others_leave_in_a_folder_is_no_fault(copy):
    """Hidden files and folders that no reader takes for rows, notes beside the manifest, and words for the Hub."""
    for name in ("data/.DS_Store", "data/.cache/x.json", ".cache/x", ".gitattributes", "notes.txt", "plots/x.png"):
        add(name, b"x")(copy)
    fact('tags:\n- "embeddings"', 'tags:\n- "mine"\n- "embeddings"')(copy)
    readme = (copy.root / "README.md").read_text(encoding="utf-8")
    (copy.root / "README.md").write_bytes(readme.replace("\n", "\r\n").encode("utf-8-sig"))
    assert verify(copy.root).faults == []


@pytest.mark.parametrize("group", [1, 3, 1000])
def test_chunks_that_overlap_have_the_same_characters_there(job, corpus, group):
    """Wherever the row groups end; a chunk whose shared characters are changed is found, with length and hash kept."""
    rows = [{"id": str(n), "text": f"é𝄞 {n} " + " ".join(f"word{n * k}" for k in range(60))} for n in range(5)]
    made = vecmill.run(job(corpus(*rows), chunker={"name": "characters", "size": 40, "overlap": 25}))
    copy = Copy(made.path)

    def faults(change):
        rows = change(pq.read_table(copy.shard(0), partitioning=None))
        pq.write_table(rows, copy.shard(0), row_group_size=group)
        copy.seal()
        copy.remake_card()
        return [fault.problem for fault in verify(made.path).faults]

    assert faults(lambda rows: rows) == []
    expected = "row 5: the text is not that of the chunk before, where the two overlap (1 rows)"
    assert faults(set_cell("text", 5, lambda text: f"#{text[1:]}")) == [expected]
