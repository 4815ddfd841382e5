"""Images: written down layer by layer, never built."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from grpclib import Status
from modal_proto import api_pb2

from doubles.modal.rpc import refuse, rpc
from doubles.tei.images import image as published

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from doubles.modal.numbering import Numbering

SUCCESS = api_pb2.GenericResult(status=api_pb2.GenericResult.GENERIC_STATUS_SUCCESS)


class Images:
    """Images by the content of their definition, so that the same one is the same id.

    Attributes:
        definitions: What was sent, by id.
    """

    def __init__(self, number: Numbering) -> None:
        self._number = number
        self.definitions: dict[str, api_pb2.Image] = {}

    def layers(self, image: str) -> list[str]:
        """Return an image's Dockerfile commands, base first."""
        definition = self.definitions.get(image)
        if definition is None:
            return []
        below = [line for base in definition.base_images for line in self.layers(base.image_id)]
        return below + list(definition.dockerfile_commands)

    def wheels(self, image: str) -> list[str]:
        """Return the names of the wheels that are installed from the user's own files, in order."""
        commands = [line for line in self.layers(image) if line.startswith("RUN ") and " pip install " in line]
        paths = [word for line in commands for word in shlex.split(line) if word.endswith(".whl")]
        return [path.rsplit("/", 1)[-1] for path in paths]

    def contexts(self, image: str) -> list[str]:
        """Return the mounts from which an image's layers copy files."""
        definition = self.definitions.get(image)
        if definition is None:
            return []
        below = [mount for base in definition.base_images for mount in self.contexts(base.image_id)]
        return below + ([definition.context_mount_id] if definition.context_mount_id else [])

    def base(self, image: str) -> str:
        """Return the name and tag in the registry that an image begins with."""
        first = next((line for line in self.layers(image) if line.upper().startswith("FROM ")), "")
        return first.partition(" ")[2].strip()

    def variables(self, image: str) -> dict[str, str]:
        """Return what the image's ``ENV`` commands set, those of the image that it begins with among them."""
        pairs = (line[4:].partition("=") for line in self.layers(image) if line.startswith("ENV "))
        own = {name.strip(): _unquoted(value.strip()) for name, _, value in pairs}
        return {**published(self.base(image)).variables, **own}

    @rpc("ImageGetOrCreate")
    async def create(self, request: api_pb2.ImageGetOrCreateRequest, caller: str) -> api_pb2.ImageGetOrCreateResponse:
        """Take an image down; it counts as built at once."""
        if not request.image.base_images and not any(
            line.upper().startswith("FROM ") for line in request.image.dockerfile_commands
        ):
            raise refuse(Status.INVALID_ARGUMENT, "the image has neither a base image nor a FROM line")
        for line in request.image.dockerfile_commands:
            _check_published(line)
        image = next((key for key, known in self.definitions.items() if known == request.image), None)
        if image is None:
            image = self._number("im")
            self.definitions[image] = request.image
        return api_pb2.ImageGetOrCreateResponse(image_id=image, result=SUCCESS, metadata=_metadata())

    @rpc("ImageJoinStreaming")
    async def join(
        self, request: api_pb2.ImageJoinStreamingRequest, caller: str
    ) -> AsyncIterator[api_pb2.ImageJoinStreamingResponse]:
        """Say that the image is built."""
        yield api_pb2.ImageJoinStreamingResponse(result=SUCCESS, eof=True, metadata=_metadata())


def _metadata() -> api_pb2.ImageMetadata:
    version = "{}.{}.{}".format(*sys.version_info[:3])
    return api_pb2.ImageMetadata(python_version_info=version, image_builder_version="2025.06")


def _check_published(line: str) -> None:
    """Refuse to begin with an image that its registry does not have."""
    command, _, tag = line.partition(" ")
    try:
        if command.upper() == "FROM":
            published(tag.strip())
    except LookupError as error:
        raise refuse(Status.FAILED_PRECONDITION, f"the image cannot be pulled: {error.args[0]}") from error


def _unquoted(value: str) -> str:
    return "".join(shlex.split(value))
