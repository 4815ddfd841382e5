"""Machines: which GPU a container gets, and which commands it and its image bring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from doubles import nvidia
from doubles.tei.images import image

if TYPE_CHECKING:
    from pathlib import Path

    from doubles.modal.container import Container
    from doubles.modal.function import Function
    from doubles.modal.images import Images

CAPABILITIES = {
    "T4": 75,
    "L4": 89,
    "A10": 86,
    "A10G": 86,
    "L40S": 89,
    "A100": 80,
    "A100-40GB": 80,
    "A100-80GB": 80,
    "H100": 90,
    "H100!": 90,
    "H200": 90,
    "B200": 100,
    "B200+": 103,
    "RTX-PRO-6000": 120,
}
"""Compute capabilities times ten, as ``nvidia-smi`` says them; a ``B200+`` may be a B300, so it is one."""


class Machines:
    """Gives containers their GPUs and commands.

    Attributes:
        taken: Kinds of GPU of which none is free.
        got: The kind that each container got, by its id; nothing for one without.
        router: How the double of the router behaves in containers that start from now on.
        real: A real router, which stands in for the double under whatever name an image gives it.
    """

    def __init__(self, images: Images) -> None:
        self._images = images
        self.taken: set[str] = set()
        self.got: dict[str, str] = {}
        self.router: dict[str, Any] = {}
        self.real: Path | None = None

    def free(self, function: Function) -> str | None:
        """Return the first kind of GPU that a function may have and that is free; empty for one that needs none.

        None says that it has to wait.
        """
        return next((kind for kind in function.gpus if kind not in self.taken), None) if function.gpus else ""

    def equip(self, container: Container, function: Function) -> None:
        """Give a container what its image holds and, with a GPU, its driver's tool."""
        kind = self.free(function) or (function.gpus[0] if function.gpus else "")
        self.got[container.id] = kind
        container.commands.mkdir(parents=True)
        found = image(self._images.base(function.definition.image_id))
        if self.real is not None:
            for name in found.routers:
                (container.commands / name).symlink_to(self.real)
        else:
            gpu = CAPABILITIES[kind] if kind else 0
            found.install(container.commands, gpu, **{"cuda": bool(kind), **self.router})
        if kind:
            nvidia.install(container.commands, CAPABILITIES[kind])
