"""The model folder: all that its files say about a model, short of its numbers: the transformer, pooling, prompts."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from vecmill.errors import ModelError, describe_error
from vecmill.models.model_files import (
    WIDTH,
    check_casing,
    check_tokenizer,
    hash_file,
    read_max_tokens,
    read_settings,
    record_reads,
    sentence_settings,
)
from vecmill.records import ModelInfo
from vecmill.records.model import SIMILARITIES
from vecmill.sanitize import is_inside

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from vecmill.records import Similarity

TOKENIZER = "tokenizer.json"
_DESCRIPTION = "config_sentence_transformers.json"
_DESCRIPTION_KEYS = {
    "__version__",
    "default_prompt_name",
    "model_type",
    "prompts",
    "requirements",
    "similarity_fn_name",
    "truncate_dim",
}
_TRANSFORMER_KEYS = {
    *("do_lower_case", "max_seq_length", "modality_config", "module_output_name", "transformer_task"),
    "unpad_inputs",  # which changes the speed alone
}


class Prompts(NamedTuple):
    """The texts that are put in front of a document and of a query; empty for none."""

    document: str = ""
    query: str = ""


@dataclass(frozen=True, slots=True)
class Dense:
    """A linear layer after pooling.

    Attributes:
        folder: Where its weights are, in the model's folder.
        inputs: Width of what goes in.
        outputs: Width of what comes out.
        activation: Name of the torch class applied to the result, such as ``Tanh`` or ``Identity``.
    """

    folder: str
    inputs: int
    outputs: int
    activation: str


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The steps after the transformer.

    Attributes:
        transformer: The transformer's folder in the model's folder; mostly empty: the folder itself.
        pooling: How token vectors become one; the results of several ways are put side by side.
        dense: Linear layers on the pooled vector.
        truncated: How many of the vector's numbers are kept, the first ones; by default all.
        normalized: Whether the vector is scaled to unit length at the end, what is left of a truncated one too.
    """

    transformer: str = ""
    pooling: tuple[str, ...] = ("mean",)
    dense: tuple[Dense, ...] = ()
    truncated: int | None = None
    normalized: bool = False

    def dimension(self, hidden: int) -> int:
        """Return the width of a finished vector, given the transformer's."""
        width = self.dense[-1].outputs if self.dense else hidden * len(self.pooling)
        return min(width, self.truncated or width)


@dataclass(frozen=True)
class ModelFolder:
    """A sentence-transformers model on disk.

    Attributes:
        id: Hub id, folder or ``package:`` reference, as the job names it.
        revision: Commit sha on the Hub, or ``sha256:…`` of the weights of a folder.
        root: The folder.
        path: Where the transformer and the tokenizer are: mostly the same folder.
        config: The transformer's ``config.json``.
        pipeline: The steps after the transformer.
        prompts: The texts in front of documents and queries.
        max_tokens: Longest input, special tokens included.
        dimension: Width of a vector.
        similarity: How two vectors are compared.
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
    similarity: Similarity = "cosine"
    weights: tuple[Path, ...] = ()
    files: dict[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The transformer's architecture, such as ``bert``; ``unknown`` for one that brings code."""
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
            similarity=self.similarity,
        )

    def with_files(self, found: Mapping[Path, str]) -> ModelFolder:
        """Return the same model with more ``files``, each with its sha256."""
        names = {path.relative_to(self.root).as_posix(): sha256 for path, sha256 in found.items()}
        return replace(self, files=self.files | names)


def describe_folder(model: str, root: Path) -> ModelFolder:
    """Read what a folder says of the model in it; revision and weights are left empty.

    Args:
        model: The model, as the job names it.
        root: The folder.

    Raises:
        ModelError: It holds no model, a damaged one, or one that is not a text embedder.
    """
    with _explain_errors(root), record_reads() as reads:
        found = _read_folder(model, root)
    tokenizer = found.path / TOKENIZER
    return found.with_files(reads | ({tokenizer: hash_file(tokenizer)} if tokenizer.is_file() else {}))


@contextmanager
def _explain_errors(root: Path) -> Iterator[None]:
    """Raise a ``ModelError`` for settings of other types or sizes than they have: there is no end of them."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise ModelError(
            f"the settings in {root} make no sense ({describe_error(error)}): get the model's files again"
        ) from error


def _read_folder(model: str, root: Path) -> ModelFolder:
    pipeline = read_pipeline(root)
    path = root / pipeline.transformer
    config = read_settings(path / "config.json", dict)
    if config is None:
        raise ModelError(
            f"{model!r} holds no model: there is no {path / 'config.json'}: name a transformer's folder or Hub id"
        )
    settings = sentence_settings(path)
    _check_keys(path / "sentence_bert_config.json", settings, _TRANSFORMER_KEYS)
    _check_task(model, settings)
    check_casing(path, settings)
    check_tokenizer(path, config)
    hidden = next((config[key] for key in WIDTH if isinstance(config.get(key), int)), None)
    if hidden is None:
        raise ModelError(f"{path / 'config.json'} does not say how wide the model is: name a text embedding model")
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
        similarity=read_similarity(root),
    )


def _check_keys(path: Path, settings: Mapping[str, Any], known: Collection[str]) -> None:
    """Refuse a setting that is not known here, unless it is switched off: it could change the vectors."""
    for key, value in settings.items():
        if key not in known and value not in _OFF:
            raise ModelError(
                f"{path} says {key} = {value!r}, which is not known here and could change the vectors: name another "
                "model, or remove the key from a copy of the folder if it changes nothing"
            )


_OFF: tuple[object, ...] = (None, False, "", [], {})


def _check_task(model: str, settings: dict[str, Any]) -> None:
    """Refuse a transformer that is not used for the vectors of its text tokens."""
    task = settings.get("transformer_task", "feature-extraction")
    text = (settings.get("modality_config") or {}).get("text", {})
    output = text.get("method_output_name", "last_hidden_state")
    if task != "feature-extraction" or output != "last_hidden_state":
        raise ModelError(f"{model!r} is made for {task} and gives {output}: name a model that embeds text")


_DOCUMENT_NAMES = ("document", "passage", "corpus")


def read_prompts(folder: Path) -> Prompts:
    """Read a model's prompts from ``config_sentence_transformers.json``.

    A document gets the first prompt with a text among those called ``document``, ``passage`` and ``corpus``, a query
    the one called ``query``; where there is no prompt of these names, the model's default prompt. A default that is
    the query prompt is not for documents.

    Raises:
        ModelError: A prompt is not a text.
    """
    settings = read_settings(folder / _DESCRIPTION, dict) or {}
    prompts = {name: _check_prompt(text or "", folder) for name, text in (settings.get("prompts") or {}).items()}
    default_name = settings.get("default_prompt_name")
    default = prompts.get(default_name, "")
    named = [prompts[name] for name in _DOCUMENT_NAMES if name in prompts]
    unnamed = "" if named or default_name == "query" else default
    return Prompts(
        document=next(filter(None, named), unnamed),
        query=prompts.get("query", default),
    )


def read_similarity(folder: Path) -> Similarity:
    """Read how a model's vectors are compared from ``config_sentence_transformers.json``.

    Where it does not say, sentence-transformers takes the cosine, whether vectors are normalised or not.

    Raises:
        ModelError: It names a way that is not known here.
    """
    settings = read_settings(folder / _DESCRIPTION, dict) or {}
    name = settings.get("similarity_fn_name") or "cosine"
    for known in SIMILARITIES:
        if name == known:
            return known
    raise ModelError(
        f"{folder / _DESCRIPTION} compares vectors by {name!r}, which is not one of {', '.join(SIMILARITIES)}: name "
        "another model"
    )


def _check_prompt(prompt: object, folder: Path) -> str:
    if not isinstance(prompt, str):
        raise ModelError(
            f"{folder / _DESCRIPTION} has the prompt {prompt!r}, which is not a text: get the model's files again"
        )
    return prompt


_MODULES = "sentence_transformers."
_EMBEDDING = "sentence_embedding"
_POOLING_FLAGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
POOLING = frozenset(_POOLING_FLAGS.values())
_NAMES = {"module_input_name", "module_output_name"}
_MODULE_KEYS = {
    "Pooling": {
        *_POOLING_FLAGS,
        *("embedding_dimension", "include_prompt", "pooling_mode", "word_embedding_dimension"),
    },
    "Dense": {*_NAMES, "activation_function", "bias", "in_features", "out_features", "use_residual"},
    "Normalize": _NAMES,
}


def read_pipeline(folder: Path) -> Pipeline:
    """Read ``modules.json`` and what it names.

    A folder without it is a bare transformer; sentence-transformers then takes the mean of the token vectors, of a
    causal language model the last one, and does not normalize, and so does this.

    Raises:
        ModelError: The model is not a plain text embedder, or has steps that are not known here.
    """
    settings = read_settings(folder / _DESCRIPTION, dict) or {}
    kind = settings.get("model_type")
    if kind not in {None, "SentenceTransformer"}:
        raise ModelError(f"{folder} holds a {kind}: name a model that makes one dense vector per text")
    _check_keys(folder / _DESCRIPTION, settings, _DESCRIPTION_KEYS)
    modules = read_settings(folder / "modules.json", list)
    if modules is None:
        pooling = _pool_bare(read_settings(folder / "config.json", dict) or {})
        return Pipeline(pooling=pooling, truncated=_read_truncation(folder, settings))
    steps = [(_class_name(folder, module), _module_path(folder, module)) for module in modules]
    steps = [step for step in steps if step[0] != "Dropout"]  # which does nothing outside training
    _check_order(folder, [name for name, _ in steps])
    config = {path: read_settings(folder / path / "config.json", dict) or {} for _, path in steps[1:]}
    for name, path in steps[1:]:
        _check_inputs(folder, name, config[path])
        _check_keys(folder / path / "config.json", config[path], _MODULE_KEYS[name])
    return Pipeline(
        transformer=steps[0][1],
        pooling=_read_pooling(folder, config[steps[1][1]]),
        dense=tuple(_read_dense(folder / path, path, config[path]) for name, path in steps if name == "Dense"),
        truncated=_read_truncation(folder, settings),
        normalized=steps[-1][0] == "Normalize",
    )


def _read_truncation(folder: Path, settings: dict[str, Any]) -> int | None:
    width = settings.get("truncate_dim")
    if width is None or (type(width) is int and width > 0):
        return width
    raise ModelError(f"{folder / _DESCRIPTION} says truncate_dim = {width!r}: give it a number above 0, or remove it")


def _pool_bare(config: dict[str, Any]) -> tuple[str, ...]:
    architecture = next(iter(config.get("architectures") or ()), "")
    return ("lasttoken",) if architecture.endswith("ForCausalLM") and config.get("is_causal", True) else ("mean",)


def _class_name(folder: Path, module: Any) -> str:  # noqa: ANN401 - it is whatever the file holds
    reference = str(module.get("type")) if isinstance(module, dict) else str(module)
    if not reference.startswith(_MODULES):
        raise ModelError(
            f"{folder} brings code of its own ({reference}), and vecmill runs none: "
            "name a model made of sentence-transformers' modules"
        )
    return reference.rpartition(".")[2]


def _module_path(folder: Path, module: dict[str, Any]) -> str:
    path = str(module.get("path", ""))
    if path and not is_inside(path):
        raise ModelError(f"{folder / 'modules.json'} names {path!r}, which is not in the model's folder")
    return path


def _check_order(folder: Path, names: Sequence[str]) -> None:
    """Accept Transformer, Pooling, any Dense, and a Normalize at the end."""
    inner = list(names[2:-1] if names[-1:] == ["Normalize"] else names[2:])
    if list(names[:2]) != ["Transformer", "Pooling"] or set(inner) - {"Dense"}:
        raise ModelError(
            f"{folder} is made of {' + '.join(names) or 'nothing'}; known here are Transformer + Pooling, "
            "then Dense layers and Normalize: name another model"
        )


def _check_inputs(folder: Path, name: str, config: dict[str, Any]) -> None:
    inputs = {config.get(key) or _EMBEDDING for key in ("module_input_name", "module_output_name")}
    if name != "Pooling" and inputs != {_EMBEDDING}:
        raise ModelError(f"{folder} applies {name} to {sorted(inputs)}, not to the pooled vector: name another model")


def _read_pooling(folder: Path, config: dict[str, Any]) -> tuple[str, ...]:
    modes = config.get("pooling_mode") or [mode for key, mode in _POOLING_FLAGS.items() if config.get(key)]
    named = (modes,) if isinstance(modes, str) else tuple(modes) or ("mean",)
    if not POOLING.issuperset(named):
        raise ModelError(
            f"{folder} pools by {', '.join(named)}; known here are {', '.join(sorted(POOLING))}: name another model"
        )
    if config.get("include_prompt") is False:
        raise ModelError(f"{folder} leaves the prompt out of pooling, which is not known here: name another model")
    return named


def _read_dense(folder: Path, path: str, config: dict[str, Any]) -> Dense:
    if config.get("use_residual"):
        raise ModelError(f"{folder} adds a residual connection, which is not known here: name another model")
    try:
        inputs, outputs = int(config["in_features"]), int(config["out_features"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{folder / 'config.json'} lacks {error}: get the model's files again") from error
    activation = str(config.get("activation_function", "Tanh")).rpartition(".")[2]
    return Dense(path, inputs, outputs, activation)
