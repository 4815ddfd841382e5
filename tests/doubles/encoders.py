"""Tiny encoders with random weights, saved as transformers saves them, and what they compute, in plain numpy.

The names and the arithmetic are written down here a second time, from the models' papers and files, so that
a mistake in the graphs is not copied.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.processors import TemplateProcessing

if TYPE_CHECKING:
    from pathlib import Path

HIDDEN, HEADS, LAYERS, WIDE, POSITIONS, EPSILON = 16, 2, 2, 24, 40, 0.05
SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")
PADDING = 1
WORDS = tuple(f"w{number}" for number in range(60))
ERF = np.vectorize(math.erf)

_ROLES = ("query", "key", "value", "attention", "attention_norm", "up", "down", "norm")
_BERT: tuple[str, ...] = ("attention.self.query", "attention.self.key", "attention.self.value")
_BERT += (
    "attention.output.dense",
    "attention.output.LayerNorm",
    "intermediate.dense",
    "output.dense",
    "output.LayerNorm",
)
_DISTIL: tuple[str, ...] = ("attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin")
_DISTIL += ("sa_layer_norm", "ffn.lin1", "ffn.lin2", "output_layer_norm")
_MPNET: tuple[str, ...] = ("attention.attn.q", "attention.attn.k", "attention.attn.v", "attention.attn.o")
_MPNET += ("attention.LayerNorm", "intermediate.dense", "output.dense", "output.LayerNorm")
_LAYER = {"distilbert": "transformer.layer.{}.", "mpnet": "encoder.layer.{}."}
_NAMES = {"distilbert": _DISTIL, "mpnet": _MPNET}
_OFFSET = {"roberta", "xlm-roberta", "camembert", "mpnet"}


def layer_names(kind: str, number: int) -> dict[str, str]:
    """Return what the parts of a layer are called, by role."""
    prefix = _LAYER.get(kind, "encoder.layer.{}.").format(number)
    return {role: prefix + name for role, name in zip(_ROLES, _NAMES.get(kind, _BERT), strict=True)}


def write_encoder(folder: Path, kind: str, **config: Any) -> None:
    """Write a model's folder: a bare transformer and its tokenizer; ``config`` goes into config.json."""
    shape = {"hidden_size": HIDDEN, "num_attention_heads": HEADS, "num_hidden_layers": LAYERS}
    if kind == "distilbert":
        shape = {"dim": HIDDEN, "n_heads": HEADS, "n_layers": LAYERS}
    settings = {"model_type": kind, "max_position_embeddings": POSITIONS, "pad_token_id": PADDING}
    settings |= {"layer_norm_eps": EPSILON, **shape, **config}
    (folder / "config.json").write_text(json.dumps(settings))
    save_file(_tensors(kind), folder / "model.safetensors")
    _tokenizer().save(str(folder / "tokenizer.json"))


def token_vectors(folder: Path, ids: list[int]) -> np.ndarray:
    """Compute the token vectors of one text, without padding, in float64."""
    config = json.loads((folder / "config.json").read_text())
    kind, epsilon = config["model_type"], 1e-12 if config["model_type"] == "distilbert" else EPSILON
    weights = {name: tensor.astype(np.float64) for name, tensor in load_file(folder / "model.safetensors").items()}

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + epsilon)
        return x * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def linear(x: np.ndarray, name: str) -> np.ndarray:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    x = (
        weights["embeddings.word_embeddings.weight"][ids]
        + weights["embeddings.position_embeddings.weight"][_positions(kind, ids)]
    )
    x = x + weights.get("embeddings.token_type_embeddings.weight", np.zeros((1, 1)))[0]
    x = norm(x, "embeddings.LayerNorm")
    for number in range(LAYERS):
        names = layer_names(kind, number)
        query, key, value = (_heads(linear(x, names[role])) for role in ("query", "key", "value"))
        scores = query @ key.transpose(0, 2, 1) / math.sqrt(HIDDEN // HEADS) + _relative(weights, len(ids))
        mixed = (_softmax(scores) @ value).transpose(1, 0, 2).reshape(len(ids), HIDDEN)
        x = norm(x + linear(mixed, names["attention"]), names["attention_norm"])
        wide = linear(x, names["up"])
        x = norm(x + linear(0.5 * wide * (1 + ERF(wide / math.sqrt(2))), names["down"]), names["norm"])
    return x


def _tensors(kind: str) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(7)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(SPECIALS) + len(WORDS), HIDDEN),
        "embeddings.position_embeddings.weight": (POSITIONS, HIDDEN),
        "embeddings.LayerNorm.weight": (HIDDEN,),
        "embeddings.LayerNorm.bias": (HIDDEN,),
    }
    if kind not in {"distilbert", "mpnet"}:
        shapes["embeddings.token_type_embeddings.weight"] = (2, HIDDEN)
    if kind == "mpnet":
        shapes["encoder.relative_attention_bias.weight"] = (32, HEADS)
    for number in range(LAYERS):
        for role, name in layer_names(kind, number).items():
            out, into = {"up": (WIDE, HIDDEN), "down": (HIDDEN, WIDE)}.get(role, (HIDDEN, HIDDEN))
            shapes |= {f"{name}.weight": (out,) if "norm" in role else (out, into), f"{name}.bias": (out,)}
    return {name: draw.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}


def _tokenizer() -> Tokenizer:
    vocabulary = {token: number for number, token in enumerate([*SPECIALS, *WORDS])}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))  # noqa: S106 - a token of text
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.post_processor = TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    tokenizer.add_special_tokens(list(SPECIALS))
    return tokenizer


def _positions(kind: str, ids: list[int]) -> list[int]:
    """Number the tokens; RoBERTa's kind begins after the padding token, and leaves padding tokens out."""
    if kind not in _OFFSET:
        return list(range(len(ids)))
    positions, real = [], 0
    for token in ids:
        real += token != PADDING
        positions.append(PADDING + real if token != PADDING else PADDING)
    return positions


def _heads(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), HEADS, HIDDEN // HEADS).transpose(1, 0, 2)


def _softmax(x: np.ndarray) -> np.ndarray:
    x = np.exp(x - x.max(-1, keepdims=True))
    shares: np.ndarray = x / x.sum(-1, keepdims=True)
    return shares


def _relative(weights: dict[str, np.ndarray], length: int) -> np.ndarray:
    """Return MPNet's bias, heads x length x length, for texts short enough that every bucket is known by heart."""
    if "encoder.relative_attention_bias.weight" not in weights:
        return np.zeros(1)
    borders = [*range(9), 12, 16, 23, 32]  # bucket b holds distances from borders[b] on
    buckets = [
        [sum(abs(k - q) >= border for border in borders) - 1 + 16 * (k > q) for k in range(length)]
        for q in range(length)
    ]
    return weights["encoder.relative_attention_bias.weight"][np.array(buckets)].transpose(2, 0, 1)
