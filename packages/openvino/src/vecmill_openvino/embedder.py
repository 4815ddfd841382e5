"""The ``openvino`` embedder: transformer encoders on this machine's processor."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from vecmill.errors import EngineError
from vecmill.protocols import LOCATION, MACHINE, Embedder, Options

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from vecmill.models import ModelFolder
    from vecmill.protocols import Tokenizer
    from vecmill.records import ModelInfo
    from vecmill_openvino.engine import LoadedModel


class OpenVinoEmbedder(Embedder["OpenVinoEmbedder.Config"]):
    """Runs BERT, RoBERTa, XLM-RoBERTa, DistilBERT and MPNet from safetensors, and other encoders from ONNX."""

    name = "openvino"

    class Config(Options):
        """Options of ``openvino``.

        Attributes:
            model: A Hub id, a folder, or ``package:NAME/path`` for a folder in an installed Python package.
            revision: On the Hub a branch, tag or commit; for a folder the ``sha256:…`` its weights must have.
            precision: ``bf16`` is two to three times as fast as ``f32`` on a processor that has it, and its
                vectors point the same way to within a cosine of 0.9999, in prose and code. ``auto`` takes it there,
                else ``f32``. ``int8`` multiplies 8-bit integers: to within 0.99, for models with safetensors.
            prompt: Put in front of every document; by default what the model's files say.
        """

        model: Annotated[str, LOCATION]  # the revision says which weights; where they are makes no difference
        revision: str | None = None
        precision: Annotated[Literal["auto", "bf16", "f32", "int8"], MACHINE] = "auto"
        prompt: str | None = None

    batch_tokens: ClassVar[int] = 2048

    _loaded: LoadedModel | None = None

    def pinned(self) -> Config:
        """Return the options with the revision, the precision and the prompt as they are now.

        Raises:
            ConfigError: The processor does not compute in the precision that the job asks for.
            ModelError: There is no such model, or not one that can be run.
        """
        from vecmill_openvino.precision import resolve_precision

        precision = resolve_precision(self.config.precision)
        update = {"revision": self._folder.revision, "prompt": self._prompt, "precision": precision}
        return self.config.model_copy(update=update)

    def model(self) -> ModelInfo:
        """Describe the model. A model of the Hub is downloaded, its weights are not loaded."""
        from vecmill_openvino.precision import resolve_precision

        precision = resolve_precision(self.config.precision)
        return self._folder.info(self._prompt, precision, normalized=self._folder.pipeline.normalized)

    def tokenizer(self) -> Tokenizer:
        """Return the model's tokenizer."""
        return self._tokenizer

    @property
    def concurrency(self) -> int:
        """One batch for each thread that its worker may use."""
        return self.resources.count_threads()

    def open(self) -> None:
        """Load and compile the model."""
        from vecmill_openvino.engine import LoadedModel
        from vecmill_openvino.precision import resolve_precision

        precision = resolve_precision(self.config.precision)
        self._loaded = LoadedModel(self._folder, self._tokenizer, precision, self.concurrency, self.batch_tokens)

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Embed texts, in order; each is truncated to the model's longest input. May be called from many threads."""
        if self._loaded is None:
            raise EngineError("the openvino embedder is not open: call open() before embed()")
        return self._loaded.embed(texts)

    def close(self) -> None:
        """Free the model."""
        self._loaded = None

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
        from vecmill.models import load_tokenizer

        return load_tokenizer(self._folder.path)
