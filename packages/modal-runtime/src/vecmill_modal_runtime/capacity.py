"""Capacity: how many tokens a router may compute at once, by the model and the GPU's memory.

More tokens at once cost memory and, from some thousands on, gain nothing. The router computes the most at once while
it starts, in texts as long as the model takes, so that what does not fit ends its start. A layer holds for each token

- about ten vectors of the model's width (input, residual, queries, keys, values, attention, norms) and three of its
  inner width;
- without flash attention, for each head three rows of scores against a text of the longest length. The router has flash
  attention for some architectures, in half precision, on GPUs of compute capability 8.0 and more.

The weights lie beside, and a fifth of the memory is left to CUDA itself. It is an estimate from above.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vecmill.errors import ConfigError
from vecmill.models import INNER, LAYERS, WIDTH, sentence_settings
from vecmill_modal_runtime.gpus import GPUS
from vecmill_modal_runtime.router import BATCH_TOKENS

if TYPE_CHECKING:
    from vecmill.models import ModelFolder
    from vecmill_modal_runtime.options import ModalOptions

USABLE = 0.8
"""Of a GPU's memory."""
WIDTHS, INNER_WIDTHS, SCORES = 10, 3, 3
"""Vectors of the model's width, vectors of its inner width, and rows of scores, that are held for a token at once."""
BYTES = {"f16": 2, "f32": 4}
FLASH_CAPABILITY = 80
FLASH = frozenset(
    {
        *("bert", "camembert", "distilbert", "roberta", "xlm-roberta"),
        *("gte", "mistral", "modernbert", "new", "nomic_bert", "qwen2", "qwen3"),
    }
)
"""Architectures for which the router has flash attention."""
POSITIONS = ("max_position_embeddings",)
VOCABULARY, HEADS = ("vocab_size",), ("num_attention_heads", "n_heads", "n_head")


def batch_tokens(options: ModalOptions, model: ModelFolder, precision: str) -> int:
    """Return how many tokens the router of a run computes at once.

    Args:
        options: The GPUs of which it may get any, and the number that is asked for, if one is.
        model: What it serves.
        precision: ``f16`` or ``f32``.

    Raises:
        ConfigError: The number that is asked for is below the model's longest input, or does not fit into the memory.
    """
    longest, most = longest_input(model), _fitting(options, model, precision)
    asked = options.max_batch_tokens
    if asked is None:
        return max(longest, min(BATCH_TOKENS, most))
    if asked < longest:
        raise ConfigError(
            f"runtime.max_batch_tokens = {asked}, but {model.id} takes inputs of {longest} tokens, and the router does "
            f"not start with less: raise it to {longest} at least"
        )
    if asked > most:
        raise ConfigError(
            f"runtime.max_batch_tokens = {asked}, but of {model.id} about {most} tokens at once fit into the memory of "
            f"{' or '.join(options.gpu)}: lower it, or leave it out"
        )
    return asked


def longest_input(model: ModelFolder) -> int:
    """Return the longest input as the router reads it from the model's files; it may be above what vecmill sends."""
    stated = _number(sentence_settings(model.path), ("max_seq_length",)) or _number(model.config, POSITIONS)
    return max(model.max_tokens, stated)


def _fitting(options: ModalOptions, model: ModelFolder, precision: str) -> int:
    """Return how many tokens fit into the smallest of the GPUs; into a machine's memory, as many as are of use."""
    return min(
        (_on_gpu(GPUS[name].memory_gb, GPUS[name].capability, model, precision) for name in options.gpu),
        default=BATCH_TOKENS,
    )


def _on_gpu(memory_gb: int, capability: int, model: ModelFolder, precision: str) -> int:
    layers, width = _number(model.config, LAYERS), _number(model.config, WIDTH)
    inner = _number(model.config, INNER) or 4 * width
    values = WIDTHS * width + INNER_WIDTHS * inner
    flash = precision == "f16" and capability >= FLASH_CAPABILITY and model.config.get("model_type") in FLASH
    if not flash:
        values += SCORES * _number(model.config, HEADS) * longest_input(model)
    weights = layers * (4 * width * width + 3 * width * inner) + _number(model.config, VOCABULARY) * width
    free = USABLE * memory_gb * 1e9 - BYTES[precision] * weights
    return max(0, int(free / (BYTES[precision] * values))) if values else BATCH_TOKENS


def _number(config: dict[str, Any], names: tuple[str, ...]) -> int:
    return next((int(config[name]) for name in names if isinstance(config.get(name), int)), 0)
