"""Images: what the router's published images hold, by their tags, as the Dockerfiles of 1.9.3 say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from doubles.tei.flags import VERSION
from doubles.tei.process import COMMAND, install

if TYPE_CHECKING:
    from pathlib import Path

REPOSITORY = "ghcr.io/huggingface/text-embeddings-inference"
ONE_BUILD = {"turing-": 75, "": 80, "86-": 86, "89-": 89, "hopper-": 90, "100-": 100, "120-": 120}
"""The compute capability that the only router of an image is built for."""
ALL_BUILDS = (75, 80, 90, 100, 120)
"""Those of the routers in the image for all GPUs, each with its number behind its name, none without."""
LIBRARIES = "/usr/local/cuda/lib64:/usr/local/nvidia/lib:/usr/local/nvidia/lib64"
CACHE = "/tmp/data"  # noqa: S108 - theirs is /data, which a container on this machine would share with it
CUDA = {"PORT": "80", "HUGGINGFACE_HUB_CACHE": CACHE, "LD_LIBRARY_PATH": LIBRARIES}


@dataclass(frozen=True)
class Image:
    """What an image brings.

    Attributes:
        routers: The routers' names, each with the compute capability that it is built for; 0 for a processor.
        variables: What its ``ENV`` sets.
    """

    routers: dict[str, int] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)

    def install(self, folder: Path, gpu: int, **behaviour: Any) -> None:
        """Write its routers into a folder, as they are on a machine with a GPU of a compute capability."""
        for name, built_for in self.routers.items():
            install(folder, name, **{**behaviour, "built_for": built_for, "gpu": gpu})


def image(tag: str) -> Image:
    """Return what an image holds; nothing of the router's for a tag that is none of it.

    Raises:
        LookupError: The repository has no such tag.
    """
    repository, _, name = tag.rpartition(":")
    if repository != REPOSITORY:
        return Image()
    prefix = name.removesuffix(VERSION)
    if prefix == "cpu-":
        return Image({COMMAND: 0}, {"PORT": "80", "HUGGINGFACE_HUB_CACHE": CACHE, "RAYON_NUM_THREADS": "8"})
    if prefix == "cuda-":
        routers = {f"{COMMAND}-{number}": number for number in ALL_BUILDS}
        return Image(routers, {**CUDA, "USE_FLASH_ATTENTION": "True"})
    if prefix not in ONE_BUILD or not name.endswith(VERSION):
        raise LookupError(f"{tag}: manifest unknown")
    return Image({COMMAND: ONE_BUILD[prefix]}, {**CUDA, "USE_FLASH_ATTENTION": str(prefix != "turing-")})
