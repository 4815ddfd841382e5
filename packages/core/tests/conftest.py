"""Fixtures for the core's tests."""

from __future__ import annotations

import json
import pydoc_data.topics
import time
from typing import TYPE_CHECKING, Any

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from repository import model_folder
from vecmill import Job
from vecmill.testing import install

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TRAINING = [*list(pydoc_data.topics.topics.values())[:8], "Ελληνικά κείμενα, עברית. 中文文本。日本語のテキスト。" * 9]


@pytest.fixture(autouse=True, scope="session")
def _stand_ins() -> None:
    """Make the ``hash`` embedder and the ``inline`` runtime known."""
    install()


@pytest.fixture
def forget_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return what makes this a machine on which nobody has run anything, as a dataset's other readers have it."""

    def forget() -> None:
        monkeypatch.setenv("VECMILL_STATE", str(tmp_path / f"state-{time.monotonic_ns()}"))

    return forget


@pytest.fixture
def corpus(tmp_path: Path) -> Callable[..., Path]:
    """Write rows to a JSONL file and return its path."""

    def write(*rows: dict[str, Any], name: str = "corpus.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path

    return write


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., Job]:
    """Make a job over a JSONL file with stand-ins for model and runtime; keywords replace its tables."""

    def make(path: Path, **keys: Any) -> Job:
        tables: dict[str, Any] = {
            "source": {"name": "jsonl", "path": str(path)},
            "chunker": {"name": "paragraphs", "max_tokens": 32},
            "embedder": {"name": "hash"},
            "runtime": {"name": "inline"},
            "publish": [{"name": "parquet", "path": str(tmp_path / "out")}],
        }
        return Job(**(tables | keys))

    return make


@pytest.fixture(scope="session")
def tokenizer_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders with a ``tokenizer.json`` of each kind: BERT's real one, and small ones trained here."""
    folders = {"bert": model_folder()}
    for kind, tokenizer, trainer in _trained():
        folders[kind] = tmp_path_factory.mktemp(kind)
        tokenizer.train_from_iterator(TRAINING, trainer)
        tokenizer.save(str(folders[kind] / "tokenizer.json"))
    return folders


def _trained():
    unigram = trainers.UnigramTrainer(vocab_size=400, special_tokens=["<s>", "<unk>"], unk_token="<unk>")  # noqa: S106 - a token of text
    split = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    xlmr = Tokenizer(models.Unigram())
    xlmr.normalizer, xlmr.pre_tokenizer = normalizers.NFKC(), split
    yield "xlmr", xlmr, unigram
    t5 = Tokenizer(models.Unigram())
    t5.pre_tokenizer = pre_tokenizers.Metaspace()
    yield "t5", t5, unigram
    words = Tokenizer(models.BPE(unk_token="[UNK]"))  # noqa: S106 - a token of text
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    yield "bpe", words, trainers.BpeTrainer(vocab_size=400, special_tokens=["[UNK]"])
    gpt = Tokenizer(models.BPE())
    gpt.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    yield "gpt", gpt, trainers.BpeTrainer(vocab_size=500, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
