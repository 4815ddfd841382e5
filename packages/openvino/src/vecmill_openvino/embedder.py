"""The ``openvino`` embedder: transformer encoders on this machine's processor."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from vecmill.errors import EngineError
from vecmill.protocols import Embedder, later

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from vecmill.models import ModelFolder
    from vecmill.protocols import Tokenizer
    from vecmill.records import ModelInfo
    from vecmill_openvino.encoding import Encoding
    from vecmill_openvino.options import OpenVinoOptions


class OpenVinoEmbedder(Embedder["OpenVinoOptions"]):
    """Runs BERT, RoBERTa, XLM-RoBERTa, DistilBERT and MPNet from safetensors, and other encoders from ONNX."""

    name = "openvino"
    Config = later("vecmill_openvino.options:OpenVinoOptions")
    location = frozenset({"model"})  # the revision says which weights; where they are makes no difference
    machine = frozenset({"precision"})  # what has no bf16 can still embed a query
    batch_tokens: ClassVar[int] = 2048

    _encoding: Encoding | None = None

    def pinned(self) -> OpenVinoOptions:
        """Return the options with the revision, the precision and the prompt as they are now.

        Raises:
            ConfigError: The processor cannot compute in the precision asked for.
            ModelError: There is no such model, or not one that can be run.
        """
        from vecmill_openvino.precision import resolve

        info = {"revision": self._folder.revision, "prompt": self._prompt, "precision": resolve(self.config.precision)}
        return self.config.model_copy(update=info)

    def model(self) -> ModelInfo:
        """Describe the model. A model of the Hub is downloaded, its weights are not loaded."""
        from vecmill_openvino.precision import resolve

        precision = resolve(self.config.precision)
        return self._folder.info(self._prompt, precision, normalized=self._folder.pipeline.normalized)

    def tokenizer(self) -> Tokenizer:
        """Return the model's own tokenizer."""
        return self._tokenizer

    @property
    def concurrency(self) -> int:
        """A batch for each processor that this process may use."""
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

    def open(self) -> None:
        """Load and compile the model."""
        from vecmill_openvino.encoding import Encoding
        from vecmill_openvino.precision import resolve

        precision = resolve(self.config.precision)
        self._encoding = Encoding(self._folder, self._tokenizer, precision, self.concurrency, self.batch_tokens)

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Embed texts, in order; each is cut to the model's longest input. May be called from many threads."""
        if self._encoding is None:
            raise EngineError("the openvino embedder is not open: call open() before embed()")
        return self._encoding.embed(texts)

    def close(self) -> None:
        """Free the model."""
        self._encoding = None

    @property
    def _prompt(self) -> str:
        return self._folder.prompts.document if self.config.prompt is None else self.config.prompt

    @cached_property
    def _folder(self) -> ModelFolder:
        from vecmill.models import open_model
        from vecmill_openvino.graph.architecture import NATIVE

        return open_model(self.config.model, self.config.revision, NATIVE)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from vecmill.models.tokenizer import load_tokenizer

        return load_tokenizer(self._folder.path)
