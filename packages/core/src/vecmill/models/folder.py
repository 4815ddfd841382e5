"""ModelFolder: everything there is to know about a model short of its numbers."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from vecmill.errors import ModelError
from vecmill.models.pipeline import Pipeline, Prompts, read_pipeline, read_prompts
from vecmill.models.settings import check_casing, read_max_tokens, read_settings, record_reads, sentence_settings
from vecmill.models.weights import hash_file
from vecmill.records import ModelInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

TOKENIZER = "tokenizer.json"
_WIDTHS = ("hidden_size", "dim", "d_model")


@dataclass(frozen=True)
class ModelFolder:
    """A sentence-transformers model on disk.

    Attributes:
        id: Hub id, folder or ``package:`` reference, as the job names it.
        revision: Commit sha on the Hub, or ``sha256:…`` of the weights of a folder.
        root: The folder.
        path: Where the transformer and the tokenizer are: mostly the same folder.
        config: The transformer's ``config.json``.
        pipeline: What happens to its token vectors.
        prompts: What stands before documents and queries.
        max_tokens: Longest input, special tokens included.
        dimension: Width of a vector.
        weights: The files that hold the numbers; the transformer's safetensors, or ONNX, come first. Empty
            for a model of the Hub whose weights were not asked for.
        files: The sha256, in hex, of every file that is read, by its name in the folder. The weights are among them
            if ``revision`` is not their digest.
    """

    id: str
    revision: str
    root: Path
    path: Path
    config: dict[str, Any]
    pipeline: Pipeline
    prompts: Prompts
    max_tokens: int
    dimension: int
    weights: tuple[Path, ...] = ()
    files: dict[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The transformer's architecture, such as ``bert``; ``unknown`` for one with code of its own."""
        return "unknown" if self.config.get("auto_map") else str(self.config.get("model_type", "unknown"))

    def info(self, prompt: str, precision: str | None, *, normalized: bool) -> ModelInfo:
        """Describe the model as an engine runs it, with the prompt that it puts before documents.

        Raises:
            ModelError: A number or a prompt of its settings is out of all bounds.
        """
        with _explain_errors(self.root):
            return self._info(prompt, precision, normalized=normalized)

    def _info(self, prompt: str, precision: str | None, *, normalized: bool) -> ModelInfo:
        return ModelInfo(
            id=self.id,
            revision=self.revision,
            dimension=self.dimension,
            max_tokens=self.max_tokens,
            pooling="+".join(self.pipeline.pooling),
            normalized=normalized,
            prompt=prompt,
            query_prompt=self.prompts.query,
            precision=precision,
            files=self.files,
        )

    def with_files(self, found: Mapping[Path, str]) -> ModelFolder:
        """Return the same model with more ``files``, each with its sha256."""
        names = {path.relative_to(self.root).as_posix(): sha256 for path, sha256 in found.items()}
        return replace(self, files=self.files | names)


def describe(model: str, root: Path) -> ModelFolder:
    """Read what a folder says of the model in it; revision and weights are left empty.

    Raises:
        ModelError: It holds no model, a damaged one, or one that is not a text embedder.
    """
    with _explain_errors(root), record_reads() as reads:
        found = _describe_folder(model, root)
    tokenizer = found.path / TOKENIZER
    return found.with_files(reads | ({tokenizer: hash_file(tokenizer)} if tokenizer.is_file() else {}))


@contextmanager
def _explain_errors(root: Path) -> Iterator[None]:
    """Raise a ``ModelError`` for settings of other types or sizes than they have: there is no end of them."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        message = f"The settings in {root} make no sense ({type(error).__name__}: {error})"
        raise ModelError(f"{message}. Get the model's files again.") from error


def _describe_folder(model: str, root: Path) -> ModelFolder:
    pipeline = read_pipeline(root)
    path = root / pipeline.transformer
    config = read_settings(path / "config.json", dict)
    if config is None:
        raise ModelError(
            f"{model!r} holds no model: there is no {path / 'config.json'}. Name a transformer's folder or Hub id."
        )
    settings = sentence_settings(path)
    _check_task(model, settings)
    check_casing(path, settings)
    hidden = next((config[key] for key in _WIDTHS if isinstance(config.get(key), int)), None)
    if hidden is None:
        raise ModelError(f"{path / 'config.json'} does not say how wide the model is. Name a text embedding model.")
    return ModelFolder(
        id=model,
        revision="",
        root=root,
        path=path,
        config=config,
        pipeline=pipeline,
        prompts=read_prompts(root),
        max_tokens=read_max_tokens(path, config),
        dimension=pipeline.dimension(hidden),
    )


def _check_task(model: str, settings: dict[str, Any]) -> None:
    """Refuse a transformer that is not used for the vectors of its text tokens."""
    task = settings.get("transformer_task", "feature-extraction")
    text = (settings.get("modality_config") or {}).get("text", {})
    output = text.get("method_output_name", "last_hidden_state")
    if task != "feature-extraction" or output != "last_hidden_state":
        raise ModelError(f"{model!r} is made for {task} and gives {output}. Name a model that embeds text.")
