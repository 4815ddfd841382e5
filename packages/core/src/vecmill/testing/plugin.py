"""Stand-ins: texts, a tokenizer, an embedder and a runtime without a model and without processes; and their plugin."""

from __future__ import annotations

import hashlib
import re
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from vecmill.__about__ import __version__
from vecmill.errors import EmbedError, VecmillError
from vecmill.hookspecs import hookimpl
from vecmill.protocols import Embedder, Options, Runtime, Tokenizer
from vecmill.records import ModelInfo, ShardProgress
from vecmill.runtimes import describe_failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

    from vecmill.records import Receipt, RunEvent, ShardFailure, ShardTask


AWKWARD_TEXTS: tuple[str, ...] = (
    "one",
    "  leading and trailing  ",
    "para one\n\npara two\n\n\n\npara three",
    "line\nline\r\nline\rline",
    "a\x00b \x1f c\x7f",
    "\ufeffbyte order mark",
    "e\u0301 combining, and stacked: Z\u0351\u036b\u0343\u036a\u0302",
    "\u05e9\u05dc\u05d5\u05dd \u0627\u0644\u0633\u0644\u0627\u0645 right to left",
    "\u4eca\u5929\u5929\u6c14\u5f88\u597d\u3002\u6211\u4eec\u53bb\u516c\u56ed\u5427\u3002" * 30,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 family \U0001f3f3\ufe0f\u200d\U0001f308 flag",
    "no\u00a0break\u2003em\u2028line\u2029paragraph\u0085next",
    "\u200b\u200c\u200d",
    "x" * 5000,
    "word " * 3000,
    "A sentence. Another one! And a third? " * 60,
    "# Heading\n\n- item one\n- item two\n\n    code = 1\n\nEnd.",
    "[SEP] [CLS] </s> <s> [UNK] [MASK]",
    "\ud7ff\ue000\ufffd\U0010ffff",
)
"""Valid Unicode, never empty: NUL, combining marks, right-to-left, CJK, emoji, all spaces, an endless word."""


_WORD = re.compile(r"\S+")


class WordTokenizer(Tokenizer):
    """Every word between whitespace is one token; a text has two special tokens around it."""

    special_tokens = 2
    additive = True

    def count(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Count words."""
        return np.array([len(text.split()) for text in texts], np.int64)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Number words by their hash."""
        return [[0, *(_number(word) for word in text.split()), 1] for text in texts]

    def offsets(self, text: str) -> npt.NDArray[np.int64]:
        """Return where each word is."""
        return np.array([match.span() for match in _WORD.finditer(text)], np.int64).reshape(-1, 2)


def _number(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=4).digest())


class HashEmbedder(Embedder["HashEmbedder.Config"]):
    """The same text always has the same unit vector; other texts have others. No meaning at all."""

    name = "hash"
    batch_tokens = 256

    class Config(Options):
        """What kind of model to be.

        Attributes:
            dimension: Width of a vector.
            max_tokens: Longest input.
            prompt: Put in front of documents.
            refuse: A text that contains this cannot be embedded.
            spoil: A text that contains this gets a vector that is not a number.
        """

        dimension: int = 8
        max_tokens: int = 64
        prompt: str = ""
        refuse: str | None = None
        spoil: str | None = None

    def model(self) -> ModelInfo:
        """Describe a model that is its options."""
        return ModelInfo(
            id="hash",
            revision="1",
            dimension=self.config.dimension,
            max_tokens=self.config.max_tokens,
            pooling="mean",
            normalized=True,
            prompt=self.config.prompt,
        )

    def tokenizer(self) -> Tokenizer:
        """Count words."""
        return WordTokenizer()

    @property
    def concurrency(self) -> int:
        """Two calls at once, to test that a job keeps its order."""
        return 2

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Hash each text to a unit vector."""
        import numpy as np

        refused = [text for text in texts if self.config.refuse and self.config.refuse in text]
        if refused:
            raise EmbedError(f"the engine refuses {refused[0]!r}")
        vectors = np.array([self._vector(text) for text in texts], np.float32).reshape(-1, self.config.dimension)
        spoilt = [bool(self.config.spoil and self.config.spoil in text) for text in texts]
        vectors[np.array(spoilt, np.bool_)] = np.nan
        return vectors

    def _vector(self, text: str) -> npt.NDArray[np.float64]:
        import numpy as np

        seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
        vector = np.random.default_rng(seed).normal(size=self.config.dimension)
        return vector / np.linalg.norm(vector)


class InlineRuntime(Runtime[Options]):
    """Does shards here and now; a failure is final."""

    name = "inline"

    def map(self, tasks: Sequence[ShardTask], report: Callable[[RunEvent], None]) -> Iterator[Receipt | ShardFailure]:
        """Do the tasks in order."""
        from vecmill.worker import Worker

        with Worker() as worker:
            for task in tasks:
                try:
                    yield worker.do(task, lambda progress: report(ShardProgress(progress)))
                except VecmillError as error:
                    yield describe_failure(task, error)


@hookimpl
def vecmill_register_embedders(register: Callable[[type[Any]], None]) -> None:
    """Register ``hash``."""
    register(HashEmbedder)


@hookimpl
def vecmill_register_runtimes(register: Callable[[type[Any]], None]) -> None:
    """Register ``inline``."""
    register(InlineRuntime)


def install() -> None:
    """Make the embedder ``hash`` and the runtime ``inline`` known in this process."""
    from vecmill.plugins import load

    if "vecmill-testing" not in load().loaded:
        load().add(sys.modules[__name__], "vecmill-testing", f"vecmill {__version__}")
