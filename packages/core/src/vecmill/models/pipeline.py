"""Pipeline: the modules of a sentence-transformers model, and its prompts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from vecmill.errors import ModelError
from vecmill.inside import is_inside
from vecmill.models.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


DOCUMENT_NAMES = ("document", "passage", "corpus")


class Prompts(NamedTuple):
    """What is put in front of a text, empty for nothing."""

    document: str = ""
    query: str = ""


def read_prompts(folder: Path) -> Prompts:
    """Read a model's prompts from ``config_sentence_transformers.json``.

    A document gets the prompt called ``document``, ``passage`` or ``corpus``, a query the one called
    ``query``; where there is none, the model's default prompt. A default that is the query prompt is not
    for documents.
    """
    settings = read_settings(folder / "config_sentence_transformers.json", dict) or {}
    prompts = {name: _check_prompt(text or "", folder) for name, text in (settings.get("prompts") or {}).items()}
    default_name = settings.get("default_prompt_name")
    default = prompts.get(default_name, "")
    named = (prompts[name] for name in DOCUMENT_NAMES if name in prompts)
    return Prompts(
        document=next(named, "" if default_name == "query" else default),
        query=prompts.get("query", default),
    )


def _check_prompt(prompt: object, folder: Path) -> str:
    if not isinstance(prompt, str):
        raise ModelError(f"{folder / 'config_sentence_transformers.json'} has a prompt that is no text: {prompt!r}.")
    return prompt


_OURS = "sentence_transformers."
_EMBEDDING = "sentence_embedding"
_LEGACY_POOLING = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
POOLING = frozenset(_LEGACY_POOLING.values())


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
        normalized: Whether the vector is brought to unit length at the end.
    """

    transformer: str = ""
    pooling: tuple[str, ...] = ("mean",)
    dense: tuple[Dense, ...] = ()
    normalized: bool = False

    def dimension(self, hidden: int) -> int:
        """Return the width of a finished vector, given the transformer's own."""
        return self.dense[-1].outputs if self.dense else hidden * len(self.pooling)


def read_pipeline(folder: Path) -> Pipeline:
    """Read ``modules.json`` and what it names.

    A folder without it is a bare transformer; sentence-transformers then takes the mean of the token vectors
    and does not normalize, and so does this.

    Raises:
        ModelError: The model is not a plain text embedder, or has steps that are not known here.
    """
    kind = (read_settings(folder / "config_sentence_transformers.json", dict) or {}).get("model_type")
    if kind not in {None, "SentenceTransformer"}:
        raise ModelError(f"{folder} holds a {kind}. Name a model that makes one dense vector per text.")
    modules = read_settings(folder / "modules.json", list)
    if modules is None:
        return Pipeline()
    steps = [(_class_name(folder, module), _place(folder, module)) for module in modules]
    steps = [step for step in steps if step[0] != "Dropout"]  # which does nothing outside training
    _check_order(folder, [name for name, _ in steps])
    config = {path: read_settings(folder / path / "config.json", dict) or {} for _, path in steps[1:]}
    for name, path in steps[1:]:
        _check_place(folder, name, config[path])
    return Pipeline(
        transformer=steps[0][1],
        pooling=_pooling(folder, config[steps[1][1]]),
        dense=tuple(_dense(folder / path, path, config[path]) for name, path in steps if name == "Dense"),
        normalized=steps[-1][0] == "Normalize",
    )


def _class_name(folder: Path, module: Any) -> str:  # noqa: ANN401 - it is whatever the file holds
    reference = str(module.get("type")) if isinstance(module, dict) else str(module)
    if not reference.startswith(_OURS):
        raise ModelError(
            f"{folder} brings code of its own ({reference}), and vecmill runs none. "
            "Name a model made of sentence-transformers' modules."
        )
    return reference.rpartition(".")[2]


def _place(folder: Path, module: dict[str, Any]) -> str:
    path = str(module.get("path", ""))
    if path and not is_inside(path):
        raise ModelError(f"{folder / 'modules.json'} names {path!r}, which is not in the model's folder.")
    return path


def _check_order(folder: Path, names: Sequence[str]) -> None:
    """Accept Transformer, Pooling, any Dense, and a Normalize at the end."""
    inner = list(names[2:-1] if names[-1:] == ["Normalize"] else names[2:])
    if list(names[:2]) != ["Transformer", "Pooling"] or set(inner) - {"Dense"}:
        raise ModelError(
            f"{folder} is made of {' + '.join(names) or 'nothing'}. Known here are Transformer + Pooling, "
            "then Dense layers and Normalize. Name another model."
        )


def _check_place(folder: Path, name: str, config: dict[str, Any]) -> None:
    places = {config.get(key) or _EMBEDDING for key in ("module_input_name", "module_output_name")}
    if name != "Pooling" and places != {_EMBEDDING}:
        raise ModelError(f"{folder} applies {name} to {sorted(places)}, not to the pooled vector. Name another model.")


def _pooling(folder: Path, config: dict[str, Any]) -> tuple[str, ...]:
    modes = config.get("pooling_mode") or [mode for key, mode in _LEGACY_POOLING.items() if config.get(key)]
    named = (modes,) if isinstance(modes, str) else tuple(modes) or ("mean",)
    if not POOLING.issuperset(named):
        raise ModelError(f"{folder} pools by {', '.join(named)}. Known here are {', '.join(sorted(POOLING))}.")
    if config.get("include_prompt") is False:
        raise ModelError(f"{folder} leaves the prompt out of pooling, which is not known here. Name another model.")
    return named


def _dense(folder: Path, path: str, config: dict[str, Any]) -> Dense:
    if config.get("use_residual"):
        raise ModelError(f"{folder} adds a residual connection, which is not known here. Name another model.")
    try:
        inputs, outputs = int(config["in_features"]), int(config["out_features"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{folder / 'config.json'} lacks {error}. Get the model's files again.") from error
    activation = str(config.get("activation_function", "Tanh")).rpartition(".")[2]
    return Dense(path, inputs, outputs, activation)
