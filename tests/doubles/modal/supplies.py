"""Supplies: what a container is given before it starts: files, Volumes, arguments, variables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modal_proto import api_pb2

from doubles.modal.files import unpack

if TYPE_CHECKING:
    from doubles.modal.container import Container
    from doubles.modal.function import Function
    from doubles.modal.images import Images
    from doubles.modal.layouts import Layouts
    from doubles.modal.mounts import Mounts
    from doubles.modal.volumes import Volumes
    from doubles.modal.workspace import Workspace


@dataclass
class Supplies:
    """Knows where all that a definition names is kept."""

    layouts: Layouts
    images: Images
    mounts: Mounts
    volumes: Volumes
    workspace: Workspace

    def lay_out(self, container: Container, function: Function) -> None:
        """Copy the user's files to where a container finds them."""
        container.root.mkdir(parents=True)
        for mount in function.definition.mount_ids:
            self.mounts.lay_out(mount, container.root)

    def install(self, container: Container, function: Function) -> None:
        """Unpack the wheels that the image has of the user's own: modules, data and metadata, as an installer does."""
        image = function.definition.image_id
        contexts = self.images.contexts(image)
        for name in self.images.wheels(image):
            (wheel,) = {path for mount in contexts if (path := self.mounts.find(mount, name)) is not None}
            unpack(wheel, container.site)

    def mount(self, container: Container, function: Function) -> None:
        """Give a container its Volumes."""
        for number, mount in enumerate(function.definition.volume_mounts):
            view = container.folder / f"volume-{number}"
            self.volumes.mount(mount.volume_id, container.id, view)
            container.mounts[mount.mount_path] = view

    def take_back(self, container: Container) -> None:
        """Forget what a container had of Volumes."""
        self.volumes.drop(container.id)

    def arguments(self, container: Container, function: Function) -> api_pb2.ContainerArguments:
        """Return what the container's program must know."""
        layout = self.layouts.of(function.app)
        known = {item.object_id for item in layout.objects}
        needed = [item.object_id for item in function.definition.object_dependencies if item.object_id not in known]
        layout.objects.extend(self.volumes.described(key) for key in needed)
        return api_pb2.ContainerArguments(
            task_id=container.id,
            function_id=function.id,
            app_id=function.app,
            function_def=function.definition,
            serialized_params=function.parameters,
            environment_name="main",
            app_layout=layout,
        )

    def variables(self, function: Function) -> dict[str, str]:
        """Return what the image and the secrets set."""
        variables = self.images.variables(function.definition.image_id)
        for secret in function.definition.secret_ids:
            variables |= self.workspace.secrets[secret]
        return variables
