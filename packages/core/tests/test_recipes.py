"""Recipes: what a component makes of the same options and the same text is the same, until its version is raised.

A run's identity has a component's options and its version, not its code: another result under the same version would
pass for the run that it is not, and vectors of an earlier dataset for those that it would make now.
"""

from __future__ import annotations

import hashlib
import json
import pydoc_data.topics

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vecmill.models.tokenizer import load_tokenizer
from vecmill.plugins import load
from vecmill.plugins.registry import build, validate_options
from vecmill.records import ComponentSpec, Document, ModelInfo
from vecmill.sources.base import limit_units, parts, row_units
from vecmill.sources.corpus import Corpus
from vecmill.tei.client import ROUTES
from vecmill.testing import WordTokenizer
from vecmill.worker.reading import cut
from vecmill.worker.window import Window

RECIPES = {
    "batching fixed 1": "6cc6e4cb65661b68",
    "batching token_budget 1": "a3a5461f32e55b74",
    "chunker characters 1": "0ce4d389fbb3856b",
    "chunker paragraphs 1": "a945683a626c27fc",
    "chunker tokens 1": "8b1e3680e6b3acda",
    "embedder tei 1": "7e979a1e1cff957f",
    "source csv 1": "ea8754a3b1cbf7e8",
    "source jsonl 1": "8db640e6358b2862",
    "source parquet 1": "69e04955f27e4784",
    "source pydoc 1": "371d7742e3c4ddc8",
    "source saved 1": "adb9097617f443e6",
}
"""What each component gave, by name and version. Of an older version the line may go."""
WITHOUT = {"source hub", "source hub-files"}
"""They read tables as ``parquet`` does, and need a Hub or a Volume."""

SENTENCE = "Number {} of many, which speaks of towns; rivers, too: (and) \u201cboats\u201d \u2014 at some length. "
TEXTS = [
    "",
    "one",
    "  leading and trailing \t\n",
    "".join(SENTENCE.format(n) for n in range(40)),
    "\n\n".join("".join(SENTENCE.format(n) for n in range(m)) for m in range(1, 9)),
    "Gr\xfc\xdfe aus Z\xfcrich. \u6771\u4eac\u306f\u5927\u304d\u3044\u3002" * 30,
    "e\u0301\u0301 \U0001f468\u200d\U0001f469\u200d\U0001f467 \u0645\u0631\u062d\u0628\u0627 " * 40,
    "x" * 900 + " " + "antidisestablishmentarianism" * 20,
    "a\r\nb\rc\x0bd\x0ce\x85f\u2028g\u2029h \u200b \xa0 i" * 10,
]
TITLES = ["", None, "A title", "A title that is rather long, so that it takes its share " * 3]
ROWS = [{"id": f"d{n}", "text": text or None, "title": TITLES[n % 4], "lang": "en"} for n, text in enumerate(TEXTS)]
MODEL = ModelInfo(
    id="m", revision=None, dimension=8, max_tokens=64, pooling="mean", normalized=True, prompt="passage: "
)
CHUNKERS = {
    "characters": [{}, {"size": 50, "overlap": 7}],
    "paragraphs": [{"max_tokens": 32}, {"max_tokens": 48, "title": False}],
    "tokens": [{"max_tokens": 32}, {"max_tokens": 48, "overlap": 9}],
}
BATCHINGS = {"fixed": [{}, {"size": 7}], "token_budget": [{}, {"max_tokens": 500}]}


def chunks(name, tokenizers):
    """Return where a chunker cuts, and what would be embedded."""
    found = []
    for tokenizer in tokenizers:
        for chosen in CHUNKERS[name]:
            chunker = build(load().registry, "chunker", ComponentSpec(name=name, options=chosen), tokenizer, MODEL)
            window = Window()
            for number, text in enumerate(TEXTS[1:]):
                document = Document(id=str(number), text=text, title=TITLES[number % 4] or "")
                window.add(document, number, cut(chunker, document), chunker_prefix(chunker, document))
            found.append(
                [
                    window.starts.tolist(),
                    window.ends.tolist(),
                    window.chunks,
                    window.embedded_texts(np.arange(len(window))),
                    window.tokens(tokenizer).tolist(),
                ]
            )
    return found


def chunker_prefix(chunker, document):
    """Return what stands in front of each chunk of a document."""
    from vecmill.protocols.component import make_prefix

    return make_prefix(chunker, document)


def batches(name):
    """Return which chunks are embedded together."""
    lengths = np.array([(n * n) % 97 + 1 for n in range(500)], np.int64)
    made = (build(load().registry, "batching", ComponentSpec(name=name, options=each)) for each in BATCHINGS[name])
    return [[batch.tolist() for batch in batching.batches(lengths, 1000)] for batching in made]


def rows(name, folder, monkeypatch):
    """Return what a source reads, and how it is cut."""
    source = build(load().registry, "source", ComponentSpec(name=name, options=WRITERS[name](folder, monkeypatch)))
    corpus = Corpus(source)
    split = list(corpus.partitions(3_000))
    read = [[batch.to_pylist() for batch in corpus.read(part)] for part in split]
    documents = [row for part in read for batch in part for row in batch]
    # how large a table's columns are, and so where it is cut, is for the library to say that wrote it
    where = [part.where["stretch"] for part in split] if name in {"csv", "jsonl"} else _cut_tables()
    return [documents, where]


def _cut_tables():
    units = list(limit_units(row_units(0, [(100, 5_000), (40, 90), (1, 7_000)], 1_000), 120))
    return [list(map(list, units)), list(map(list, parts([unit.bytes for unit in units], 1_000)))]


def _write_jsonl(folder, _):
    lines = [json.dumps(row) for row in ROWS] + ["", "[1, 2]", '{"id": 7, "text": "a number"}', '{"broken": ']
    for name, some in (("a.jsonl", lines[:5]), ("b.jsonl", lines[5:-1])):
        (folder / name).write_text("\n".join(some) + "\n", encoding="utf-8")
    return {"path": str(folder), "keep": ["lang"]}


def _write_csv(folder, _):
    text = (
        'id,text,title,lang\n1,"a ""quoted"" text\nof two lines",T,en\n2,short\n3,,x,y\n' + "4,more text,t,de\n" * 300
    )
    (folder / "a.csv").write_text(text, encoding="utf-8")
    (folder / "b.tsv").write_text(text.replace(",", "\t"), encoding="utf-8")
    return {"path": str(folder), "keep": ["lang"]}


def _write_parquet(folder, _):
    pq.write_table(pa.Table.from_pylist(ROWS), folder / "a.parquet", row_group_size=4)
    return {"path": str(folder), "columns": {"id": ""}, "keep": ["lang"]}


def _write_saved(folder, _):
    with pa.OSFile(str(folder / "data.arrow"), "wb") as file, pa.ipc.new_stream(file, ARROW.schema) as stream:
        stream.write_table(ARROW)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data.arrow"}]}), encoding="utf-8")
    return {"path": str(folder), "limit": 7}


def _set_topics(_, monkeypatch):
    topics = {"with": "The ``with`` statement\n**********************\n\nIt wraps.\n", "if": "No heading.\n"}
    monkeypatch.setattr(pydoc_data.topics, "topics", topics)
    return {}


ARROW = pa.Table.from_pylist(ROWS)
WRITERS = {
    "csv": _write_csv,
    "jsonl": _write_jsonl,
    "parquet": _write_parquet,
    "pydoc": _set_topics,
    "saved": _write_saved,
}


def requests():
    """Return what a server of embeddings is sent."""
    return {name: route("the model").body(TEXTS[1:]).decode() for name, route in ROUTES.items()}


def builtin():
    """Return the core's own components that decide bytes, each with its kind."""
    entries = load().registry.entries
    return sorted(
        f"{kind} {name}"
        for kind in ("batching", "chunker", "embedder", "source")
        for name in entries[kind]
        if load().registry.get(kind, name).__module__.partition(".")[0] == "vecmill"
        and ".testing." not in load().registry.get(kind, name).__module__
    )


@pytest.fixture(scope="module")
def tokenizers(tokenizer_folders):
    """Count words, and BERT's own tokens."""
    return [WordTokenizer(), load_tokenizer(tokenizer_folders["bert"])]


def test_every_component_has_a_line():
    """One that comes new gets one; those without are named, with the reason."""
    assert {line.rpartition(" ")[0] for line in RECIPES} == set(builtin()) - WITHOUT


@pytest.mark.parametrize("which", [line.rpartition(" ")[0] for line in RECIPES])
def test_another_result_is_another_version(which, tokenizers, tmp_path, monkeypatch):
    """The same options and the same text give what they gave; if that is to change, so is ``version``."""
    kind, _, name = which.partition(" ")
    made = {
        "batching": lambda: batches(name),
        "chunker": lambda: chunks(name, tokenizers),
        "embedder": requests,
        "source": lambda: rows(name, tmp_path, monkeypatch),
    }[kind]()
    told = json.dumps(made, sort_keys=True).replace(str(tmp_path), "")
    found = hashlib.sha256(told.encode()).hexdigest()[:16]
    line = f"{which} {load().registry.get(kind, name).version}"
    assert line in RECIPES, f"add what the new version gives: {line!r}: {found!r}"
    assert found == RECIPES[line], (
        f"{which} gives another result than its version did before: raise its `version`, and put {found!r} beside that"
    )


def test_defaults_are_part_of_a_recipe():
    """A default that changes is in the identity, for options are written out in it."""
    chunker = load().registry.get("chunker", "characters")
    assert validate_options(chunker, "chunker", {}).model_dump() == {"size": 400, "overlap": 0}
