"""GPUs: what Modal has, what each costs, which router's image runs on it, and how many tokens fit into its memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from vecmill.errors import ConfigError
from vecmill.models import INNER, LAYERS, WIDTH, sentence_settings
from vecmill_modal_runtime.router import BATCH_TOKENS

if TYPE_CHECKING:
    from vecmill.models import ModelFolder
    from vecmill_modal_runtime.options import ModalOptions


PRICES_READ = "2026-09-26"
"""When the prices below stood on Modal's price list, https://modal.com/pricing."""
CORE_PRICE = 0.0000131
"""Dollars for a second of one processor core."""
GIB_PRICE = 0.00000222
"""Dollars for a second of one GiB of memory."""
BROAD_FACTOR, NARROW_FACTOR = 1.5, 1.75
"""What a container costs more in a broad region, and in a narrow one: https://modal.com/docs/guide/region-selection."""
REGIONS = {
    **dict.fromkeys(("us", "eu", "ap", "uk", "ca", "me", "sa", "af", "mx"), BROAD_FACTOR),
    **dict.fromkeys(("us-east", "us-central", "us-south", "us-west", "eu-west", "eu-north", "eu-south"), NARROW_FACTOR),
    **dict.fromkeys(("ap-northeast", "ap-southeast", "ap-south", "ap-melbourne", "jp", "au"), NARROW_FACTOR),
}
"""Regions that a container may be bound to, and by how much each raises its price."""


class Gpu(NamedTuple):
    """A kind of GPU.

    Attributes:
        price: Dollars for a second, by Modal's list.
        capability: Its compute capability times ten: a router is built for some of them.
        memory_gb: Its memory, as the maker lists it.
        peak: Half-precision operations a second, dense, as the maker lists them.
        rated: Whether somebody has published how fast the router is on it.
    """

    price: float
    capability: int
    memory_gb: int
    peak: float
    rated: bool = False


_A10, _A100, _H100 = Gpu(0.000306, 86, 24, 70e12, rated=True), Gpu(0.000583, 80, 40, 312e12), 0.001097
GPUS = {
    "T4": Gpu(0.000164, 75, 16, 65e12),
    "L4": Gpu(0.000222, 89, 24, 121e12, rated=True),
    "A10": _A10,
    "A10G": _A10,
    "L40S": Gpu(0.000542, 89, 48, 362e12),
    "A100": _A100,
    "A100-40GB": _A100,
    "A100-80GB": Gpu(0.000694, 80, 80, 312e12),
    "RTX-PRO-6000": Gpu(0.000842, 120, 96, 503e12),
    "H100": Gpu(_H100, 90, 80, 989e12),
    "H100!": Gpu(_H100, 90, 80, 989e12),
    "H200": Gpu(0.001261, 90, 141, 989e12),
    "B200": Gpu(0.001736, 100, 180, 2250e12),
}
"""Those that a job may ask for. The first that Modal has free is taken where several are named."""

REFUSED = {
    "B200+": "Modal may give a B300 for it, and no router is built for that: write 'B200'",
    "B300": "no router is built for it: write 'B200'",
    "ANY": "which GPU it is decides which router runs, and what it costs: name those that may be taken",
}
"""What else Modal has, and why no job can use it."""

BUILDS = {
    "turing-": (75, 75),
    "89-": (89, 89),
    "86-": (86, 89),
    "": (80, 89),
    "hopper-": (90, 90),
    "100-": (100, 100),
    "120-": (120, 120),
}
"""The router's images for one build: what stands before the version in the tag, and the first and last compute
capability that it runs on; the narrowest come first."""
ANY_IMAGE = "cuda-"
"""The image with a router for each capability; it is larger, and so slower to start."""


def image_prefix(names: tuple[str, ...]) -> str:
    """Return the prefix of the image that runs on all of these GPUs; ``cpu-`` for none."""
    if not names:
        return "cpu-"
    capabilities = [GPUS[name].capability for name in names]
    fitting = (prefix for prefix in BUILDS if all(runs_on(prefix, capability) for capability in capabilities))
    return next(fitting, ANY_IMAGE)


def runs_on(prefix: str, capability: int) -> bool:
    """Whether an image has a router for GPUs of a compute capability."""
    if prefix not in BUILDS:
        return prefix == ANY_IMAGE
    first, last = BUILDS[prefix]
    return first <= capability <= last


def price(names: tuple[str, ...], cores: float, memory_gib: float, region: str | None = None) -> float:
    """Return the dollars that one container costs in a second, at the dearest of its GPUs."""
    dearest = max((GPUS[name].price for name in names), default=0.0)
    return (dearest + cores * CORE_PRICE + memory_gib * GIB_PRICE) * (REGIONS[region] if region else 1.0)


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
