"""GPUs: what Modal has, what each costs, and which router image runs on it."""

from __future__ import annotations

from typing import NamedTuple

CORE_PRICE = 0.0000131
"""Dollars for a second of one processor core."""
GIB_PRICE = 0.00000222
"""Dollars for a second of one GiB of memory."""


class Gpu(NamedTuple):
    """A kind of GPU.

    Attributes:
        price: Dollars for a second; Modal's list of 2026.
        image: What stands before the version in the tag of the router's image.
        peak: Half-precision operations a second, dense, as the maker lists them.
    """

    price: float
    image: str
    peak: float


GPUS = {
    "T4": Gpu(0.000164, "turing-", 65e12),
    "L4": Gpu(0.000222, "89-", 121e12),
    "A10": Gpu(0.000306, "86-", 70e12),
    "A10G": Gpu(0.000306, "86-", 70e12),
    "L40S": Gpu(0.000542, "89-", 362e12),
    "A100": Gpu(0.000583, "", 312e12),
    "A100-40GB": Gpu(0.000583, "", 312e12),
    "A100-80GB": Gpu(0.000694, "", 312e12),
    "H100": Gpu(0.001097, "hopper-", 989e12),
}
"""Those that a job may ask for. The first that Modal has free is taken where several are named."""

ANY_IMAGE = "cuda-"
"""The image for GPUs of different kinds; it is larger, and so slower to start."""


def image_prefix(names: tuple[str, ...]) -> str:
    """Return the prefix of the image that runs on all of these GPUs; ``cpu-`` for none."""
    prefixes = {GPUS[name].image for name in names}
    if not prefixes:
        return "cpu-"
    return prefixes.pop() if len(prefixes) == 1 else ANY_IMAGE


def price(names: tuple[str, ...], cores: float, memory_gib: float) -> float:
    """Return the dollars that one container costs in a second, at the dearest of its GPUs."""
    dearest = max((GPUS[name].price for name in names), default=0.0)
    return dearest + cores * CORE_PRICE + memory_gib * GIB_PRICE
