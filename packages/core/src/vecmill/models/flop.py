"""Flop: what a transformer computes for a token, from its configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vecmill.models.folder import ModelFolder

LAYERS = ("num_hidden_layers", "n_layers", "num_layers")
WIDTH = ("hidden_size", "dim", "d_model")
INNER = ("intermediate_size", "hidden_dim", "d_ff")


def flop_per_token(model: ModelFolder, length: float) -> float:
    """Return the floating-point operations for one token of a text of ``length`` tokens.

    Two for each weight that the token meets, and the attention's products with every other token. Embedding
    tables cost nothing.
    """
    layers, width = _number(model.config, LAYERS), _number(model.config, WIDTH)
    inner = _number(model.config, INNER) or 4 * width
    weights = 4 * width * width + 2 * width * inner
    return float(layers * (2 * weights + 4 * width * length))


def _number(config: dict[str, Any], names: tuple[str, ...]) -> int:
    return next((int(config[name]) for name in names if isinstance(config.get(name), int)), 0)
