"""Models: a folder with any settings and any tokenizer is one of a model, or is refused with a message."""

from __future__ import annotations

import tempfile
from pathlib import Path

from vecmill.errors import VecmillError
from vecmill.models import load_tokenizer
from vecmill.models.folder import describe_folder

FILES = (
    "config.json",
    "modules.json",
    "1_Pooling/config.json",
    "2_Dense/config.json",
    "config_sentence_transformers.json",
    "sentence_bert_config.json",
    "tokenizer_config.json",
    "tokenizer.json",
)


def check(data: bytes) -> None:
    """Read a model's folder; NULs stand between its files."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, content in zip(FILES, data.split(b"\0"), strict=False):
            if content:
                (folder / file).parent.mkdir(exist_ok=True)
                (folder / file).write_bytes(content)
        try:
            describe_folder("fuzz", folder).info("", None, normalized=True)
            load_tokenizer(folder).count(["some words"])
        except VecmillError as error:
            assert str(error).strip()
