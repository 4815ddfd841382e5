"""A Modal control plane on this machine: the real client deploys to it, real containers run from it.

What is real: the ``modal`` command and client, every byte on the wire, the container's own program
(``modal._container_entrypoint``) in processes of their own, Volumes with a view for each container.
What is only written down: image builds, GPUs, schedules, memory limits.
"""

from doubles.modal.container import available
from doubles.modal.plane import Plane

__all__ = ["Plane", "available"]
