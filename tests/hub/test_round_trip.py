"""From a run's folder to the Hub and back, through the real clients."""

import json
import re
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from doubles.hub import Disturbance
from example_card import PAGE, example_card
from repository import ROOT

READ = """
import json, sys, numpy as np
from datasets import load_dataset

path, *revisions = sys.argv[1:]
found = {}
for revision in revisions:
    rows = load_dataset("user/name", split="train", revision=revision)
    rows.data.table.combine_chunks()
    vectors = rows.with_format("numpy")["embedding"][:]
    streamed = list(load_dataset("user/name", split="train", revision=revision, streaming=True))
    np.save(f"{path}/{revision}.npy", vectors)
    np.save(f"{path}/{revision}-streamed.npy", np.array([row["embedding"] for row in streamed], np.float32))
    for name, table in (("plain", rows.remove_columns("embedding").to_list()), ("streamed", streamed)):
        rest = [{key: value for key, value in row.items() if key != "embedding"} for row in table]
        found[f"{revision} {name}"] = rest
    found[f"{revision} type"] = str(rows.features["embedding"])
print(json.dumps(found))
"""


@pytest.mark.parametrize("way", ["lfs", "xet"])
def test_every_row_and_every_bit_comes_back(hub, publish, read, small, tmp_path, way):
    """load_dataset, plain and streaming, at main and at the tag: the rows of the shards, in order, to the bit."""
    publish(small.path, way=way)
    (tag,) = (ref.removeprefix("refs/tags/") for ref in hub.find("dataset", "user/name").refs if "tags" in ref)
    found = json.loads(read(READ, str(tmp_path), "main", tag, way=way))
    table = pa.concat_tables(pq.read_table(small.path / entry.path) for entry in small.manifest.shards)
    vectors = table.column("embedding").combine_chunks().flatten().to_numpy().reshape(table.num_rows, -1)
    rest = table.drop_columns(["embedding"]).to_pylist()
    for revision in ("main", tag):
        assert found[f"{revision} plain"] == found[f"{revision} streamed"] == rest
        assert f"length={vectors.shape[1]}" in found[f"{revision} type"]
        for name in (revision, f"{revision}-streamed"):
            back = np.load(tmp_path / f"{name}.npy")
            assert back.dtype == np.float32
            assert np.array_equal(back.view(np.uint32), vectors.view(np.uint32))
    assert bool(hub.uploads) == (way == "lfs")


READ_VARIANTS = """
import json
from datasets import load_dataset, load_dataset_builder

found = {}
for config in ("default", "float16", "int8"):
    info = load_dataset_builder("user/name", config).info
    rows = load_dataset("user/name", config, split="train")
    (first,) = load_dataset("user/name", config, split="train", streaming=True).take(1)
    found[config] = [len(rows), str(rows.features["embedding"]), rows[0]["embedding"] == first["embedding"]]
    found[config] += [info.features == rows.features, info.splits["train"].num_examples]
print(json.dumps(found))
"""


def test_smaller_vectors_are_configurations_that_datasets_reads(hub, publish, read, small):
    """By name, with their own types, plain and streaming; the card tells columns and counts before a file is read."""
    publish(small.path, "--set", 'vectors=["float16", "int8"]')
    found = json.loads(read(READ_VARIANTS))
    for config, kind in (("default", "float32"), ("float16", "float16"), ("int8", "int8")):
        rows, type_, same, described, declared = found[config]
        assert rows == declared == small.account.chunks
        assert described
        assert kind in type_
        assert f"length={small.manifest.model.dimension}" in type_
        assert same


def test_the_cards_own_snippet_finds_what_was_asked(hub, publish, read, demo):
    """The search that the card shows runs as it stands, against the published demo."""
    publish(demo)
    card = hub.find("dataset", "user/name").files("main")["README.md"].path.read_text()
    (snippet,) = re.findall(r"```python\n(.*?)```", card, flags=re.DOTALL)
    shown = read(snippet.replace("your question", "how does a with statement release its resource?"))
    scores = [float(score) for score in re.findall(r"^(\d\.\d{3}) ", shown, flags=re.MULTILINE)]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)
    assert "with" in shown.lower()


def test_the_command_is_as_good_as_its_word(hub, publish, small):
    """--dry-run changes nothing; publishing names the place; again, it does nothing."""
    output = publish(small.path, "--dry-run").stdout
    assert f"would create {hub.url}/datasets/user/name, public" in output
    assert not hub.repos
    assert publish(small.path, way="lfs").stdout == f"{hub.url}/datasets/user/name\n"
    refs, sent = dict(hub.find("dataset", "user/name").refs), len(hub.uploads)
    publish(small.path, way="lfs")
    assert hub.find("dataset", "user/name").refs == refs
    assert len(hub.uploads) == sent


def test_the_token_is_nowhere(hub, hub_token, publish, small, tmp_path):
    """Refused midway, with every word that the command has: message, traceback and log do without it."""
    log = tmp_path / "log.jsonl"
    hub.disturbances = [Disturbance("POST", "/preupload/", 403, message=f"Not with Bearer {hub_token}")]
    errors = publish(small.path, "--debug", "--log-json", str(log), way="lfs", code=1).stderr
    assert "Not with Bearer" in errors
    publish(small.path, "--log-json", str(log), way="lfs")
    paths = [
        log,
        *small.path.rglob("*"),
        *(blob.path for blob in hub.find("dataset", "user/name").files("main").values()),
    ]
    assert log.stat().st_size
    assert not [path for path in paths if path.is_file() and hub_token.encode() in path.read_bytes()]


def test_the_documented_command_publishes_the_demo(demo, tmp_path):
    """The command of docs/publishing.md: a Hub double, and the demo published to it."""
    page = (ROOT / "docs" / "publishing.md").read_text()
    (command,) = re.findall(r"^hatch run (python tests/with_hub\.py .*)$", page, flags=re.MULTILINE)
    words = command.replace("out/python-reference", str(demo)).split()[1:]
    env = {"PATH": f"{sys.executable.rsplit('/', 1)[0]}:/usr/bin:/bin", "HF_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, *words], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert "/datasets/user/python-reference" in done.stdout
    assert "README.md" in done.stdout


def test_the_example_card_is_what_the_code_writes(hub, publish, demo):
    """docs/example-card.md is the card of the demo's kept manifest; the demo's own differs in its figures alone."""
    example = PAGE.read_text(encoding="utf-8")
    assert example == example_card(), "run python tests/example_card.py"
    publish(demo, "--set", "pretty_name=Python's language reference, embedded with all-MiniLM-L6-v2")
    shown = hub.find("dataset", "user/name").files("main")["README.md"].path.read_text()
    assert _shape(shown) == _shape(example)


def _shape(card):
    """Return the card's headings, table rows and front matter's keys, without what they say."""
    return re.findall(r"^(?:#+ .*|\| [a-z ]+ \||- *\w+:|\w+:)", card, flags=re.MULTILINE)
