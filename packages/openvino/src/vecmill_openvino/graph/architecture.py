"""The architecture of an encoder: the members of the BERT family, as numbers and as names of tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vecmill.errors import ModelError
from vecmill.models import OFFSET_POSITIONS, padding_token

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Names:
    """What the tensors of a layer are called, after the layer's prefix."""

    layer: str = "encoder.layer.{}."
    query: str = "attention.self.query"
    key: str = "attention.self.key"
    value: str = "attention.self.value"
    attention: str = "attention.output.dense"
    attention_norm: str = "attention.output.LayerNorm"
    up: str = "intermediate.dense"
    down: str = "output.dense"
    norm: str = "output.LayerNorm"


@dataclass(frozen=True, slots=True)
class Architecture:
    """The shape of an encoder.

    Attributes:
        names: What its tensors are called.
        hidden: Numbers per token.
        heads: Attention heads.
        layers: Layers.
        epsilon: Added to the variance in layer norms.
        activation: The function between the two halves of a layer.
        padding: The padding token if positions are counted from one past it, else ``None``.
    """

    names: Names
    hidden: int
    heads: int
    layers: int
    epsilon: float
    activation: str
    padding: int | None


_BERT = Names()
_DISTILBERT = Names(
    layer="transformer.layer.{}.",
    query="attention.q_lin",
    key="attention.k_lin",
    value="attention.v_lin",
    attention="attention.out_lin",
    attention_norm="sa_layer_norm",
    up="ffn.lin1",
    down="ffn.lin2",
    norm="output_layer_norm",
)
_MPNET = Names(
    query="attention.attn.q",
    key="attention.attn.k",
    value="attention.attn.v",
    attention="attention.attn.o",
    attention_norm="attention.LayerNorm",
)
_NAMES = {
    "bert": _BERT,
    "camembert": _BERT,
    "distilbert": _DISTILBERT,
    "mpnet": _MPNET,
    "roberta": _BERT,
    "xlm-roberta": _BERT,
}
_DISTILBERT_KEYS = {
    "hidden_size": "dim",
    "num_attention_heads": "n_heads",
    "num_hidden_layers": "n_layers",
    "hidden_act": "activation",
}
NATIVE = frozenset(_NAMES)


def read_architecture(config: Mapping[str, Any]) -> Architecture:
    """Read an encoder's shape from its ``config.json``.

    Raises:
        ModelError: A number is missing, or an option asks for what is not known here.
    """
    _refuse_variants(config)
    kind, config = config["model_type"], _use_bert_names(config)
    try:
        return Architecture(
            names=_NAMES[kind],
            hidden=int(config["hidden_size"]),
            heads=int(config["num_attention_heads"]),
            layers=int(config["num_hidden_layers"]),
            epsilon=float(config.get("layer_norm_eps", 1e-12)),
            activation=str(config.get("hidden_act", "gelu")),
            padding=padding_token(dict(config)) if kind in OFFSET_POSITIONS else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"config.json of the {kind} model lacks {error}") from error


def _use_bert_names(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the settings under BERT's names. DistilBERT has other names, and only those count there."""
    if config["model_type"] != "distilbert":
        return config
    return {usual: config[name] for usual, name in _DISTILBERT_KEYS.items() if name in config}


def _refuse_variants(config: Mapping[str, Any]) -> None:
    if config.get("position_embedding_type", "absolute") != "absolute":
        raise ModelError(
            f"the model has {config['position_embedding_type']!r} positions; known here are 'absolute' ones"
        )
    if config.get("is_decoder"):
        raise ModelError("the model is a decoder; only encoders can be run here")
