"""The demo, from the command to the libraries that read its result."""

import json
import os
import pydoc_data.topics
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from repository import DEMO, ROOT


def test_the_demo_embeds_all_of_pythons_reference(demo):
    """Every topic is embedded; every text is a slice of its topic; the account adds up."""
    manifest = json.loads((demo / "manifest.json").read_text())
    account = manifest["account"]
    assert account["documents_in"] == account["documents_embedded"] == len(pydoc_data.topics.topics)
    assert account["documents_quarantined"] == account["truncated_chunks"] == 0
    for row in pq.read_table(demo / "data").to_pylist():
        assert row["text"] == pydoc_data.topics.topics[row["id"]][row["start"] : row["end"]]
    assert manifest["model"]["dimension"] == 384
    assert manifest["model"]["revision"].startswith("sha256:53aa5117")


def test_the_demo_verifies_and_one_changed_byte_is_found(vecmill, demo):
    """Verify passes on what run wrote, names the shard after one byte changes, and run mends it."""
    vecmill("verify", demo)
    (shard,) = (demo / "data").iterdir()
    content = shard.read_bytes()
    try:
        shard.write_bytes(content[:5000] + bytes([content[5000] ^ 1]) + content[5001:])
        assert shard.name in vecmill("verify", demo, code=1).stderr
        vecmill("run", DEMO, "--set", f"publish.0.path={demo}")
        assert shard.read_bytes() == content
    finally:
        shard.write_bytes(content)


def test_a_search_finds_the_right_article(vecmill, demo):
    """A question in plain words leads to the articles that answer it."""
    query = "how does a with statement release its resource?"
    passages = json.loads(vecmill("search", demo, query, "--json").stdout)
    assert len(passages) == 3
    assert {"with", "context-managers"} & {passage["id"] for passage in passages}
    assert passages == sorted(passages, key=lambda passage: -passage["score"])


def test_every_reader_on_the_page_reads_the_result(demo, tmp_path):
    """docs/datasets.md, line for line: NumPy, pandas, Polars, DuckDB and datasets find the same article."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "python-reference").symlink_to(demo)
    code = "import doctest, sys; sys.exit(doctest.testfile(sys.argv[1], module_relative=False).failed)"
    done = subprocess.run(
        [sys.executable, "-c", code, ROOT / "docs" / "datasets.md"],
        env={**os.environ, "HF_HOME": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_datasets_loads_the_result_with_its_vectors(demo, tmp_path):
    """load_dataset gives fixed-size float32 vectors, bit for bit, by folder and by file."""
    from datasets import load_dataset

    shards = str(demo / "data" / "*.parquet")
    loaded = load_dataset("parquet", data_files=shards, split="train", cache_dir=str(tmp_path))
    folder = load_dataset(str(demo), split="train", cache_dir=str(tmp_path))
    expected = np.stack(pd.read_parquet(demo / "data")["embedding"])
    assert np.array_equal(loaded.with_format("numpy")["embedding"][:], expected)
    assert len(folder) == len(loaded)
