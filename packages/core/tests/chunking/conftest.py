"""What the chunkers' tests share."""

from __future__ import annotations

import pytest

from vecmill.models.tokenizer import load_tokenizer
from vecmill.records import ModelInfo
from vecmill.testing import WordTokenizer


@pytest.fixture(scope="session")
def tokenizers(tokenizer_folders):
    """Return the model tokenizers of each kind, and one that counts words."""
    return {"word": WordTokenizer()} | {kind: load_tokenizer(folder) for kind, folder in tokenizer_folders.items()}


@pytest.fixture(scope="session")
def make(tokenizers):
    """Make a chunker for a tokenizer of some kind and a model of some size."""

    def build(cls, kind="word", prompt="", reads=512, **options):
        model = ModelInfo(
            id="m", revision=None, dimension=8, max_tokens=reads, pooling="mean", normalized=True, prompt=prompt
        )
        return cls(cls.Config(**options), tokenizers[kind], model)

    return build
