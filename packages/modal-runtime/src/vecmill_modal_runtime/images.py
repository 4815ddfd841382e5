"""Images: what containers are made of."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import modal

from vecmill.files import SHARED
from vecmill.plugins import DISABLE
from vecmill_modal_runtime.gpus import image_prefix
from vecmill_modal_runtime.payload import Payload, payload
from vecmill_modal_runtime.volume import BUCKET, DEFAULT, MOUNT, NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

TEI_VERSION = "1.9.3"
"""The router's version, the one place that says it."""
TEI_REPOSITORY = "ghcr.io/huggingface/text-embeddings-inference"
PYTHON = "3.12"
WHEELS = "/opt/vecmill/wheels"
"""Where code of this machine lies in an image before it is installed."""
LOCKS = "/tmp/vecmill-locks"  # noqa: S108 - in a container, which has one user


def tei_tag(gpus: tuple[str, ...]) -> str:
    """Return the name of the router's image for these GPUs."""
    return f"{TEI_REPOSITORY}:{image_prefix(gpus)}{TEI_VERSION}"


def cpu_image(
    volume: str = DEFAULT, packages: tuple[str, ...] = (), variables: Mapping[str, str] | None = None
) -> modal.Image:
    """Return an image for the driver and for embedding on processors.

    Args:
        volume: The Volume's name.
        packages: More to install, such as what a plugin of your own needs.
        variables: More environment variables.
    """
    return _add_payload(modal.Image.debian_slim(python_version=PYTHON), volume, packages, variables)


def tei_image(
    gpus: tuple[str, ...],
    volume: str = DEFAULT,
    packages: tuple[str, ...] = (),
    variables: Mapping[str, str] | None = None,
) -> modal.Image:
    """Return an image with the router for these GPUs; the same arguments as ``cpu_image``."""
    base = modal.Image.from_registry(tei_tag(gpus), add_python=PYTHON).entrypoint([])
    return _add_payload(base, volume, packages, variables)


def _add_payload(
    image: modal.Image, volume: str, packages: tuple[str, ...], variables: Mapping[str, str] | None
) -> modal.Image:
    if not modal.is_local():
        return image  # in a container the image is there already, and its sources are not
    content = payload(PYTHON)
    image = _with_code(image.uv_pip_install(*content.requirements, *packages), content)
    fixed = {NAME: volume, "VECMILL_LOCKS": LOCKS, SHARED: f"{MOUNT}:{BUCKET}", "HF_HUB_DISABLE_TELEMETRY": "1"}
    if switched_off := os.environ.get(DISABLE):  # a distribution may have another plugin, that is in use
        fixed[DISABLE] = switched_off
    return image.env({**fixed, **(variables or {})})


def _with_code(image: modal.Image, content: Payload) -> modal.Image:
    """Install what no index has, as pip would: with its metadata, by which plugins are found."""
    image = image.add_local_dir(content.wheels[0].parent, WHEELS, copy=True)
    names = [f"{WHEELS}/{wheel.name}" for wheel in content.wheels]
    return image.uv_pip_install(*names, extra_options="--no-deps")
