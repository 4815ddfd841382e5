"""Record: what was deployed, in the words of the settings that asked for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modal_proto import api_pb2

    from doubles.modal.function import Function
    from doubles.modal.images import Images
    from doubles.modal.volumes import Volumes
    from doubles.modal.workspace import Workspace


@dataclass(frozen=True)
class Record:
    """A deployed function.

    Attributes:
        gpus: Best first; empty for one without.
        layers: The image's Dockerfile commands.
        volumes: The name of the Volume at each path.
        secrets: The names of each secret's variables.
        cron: When it runs by itself.
    """

    name: str
    gpus: list[str]
    layers: list[str]
    volumes: dict[str, str]
    secrets: list[set[str]]
    max_containers: int
    min_containers: int
    scaledown_window: int
    concurrency: int
    timeout: int
    startup_timeout: int
    retries: int
    cpu: float
    memory: int
    regions: list[str]
    cron: str
    snapshot: bool


def record(function: Function, images: Images, volumes: Volumes, workspace: Workspace) -> Record:
    """Describe a function."""
    definition = function.definition
    scaling = definition.autoscaler_settings
    return Record(
        name=definition.function_name,
        gpus=[name for name in map(_gpu, function.choices) if name],
        layers=images.layers(definition.image_id),
        volumes={mount.mount_path: volumes.volumes[mount.volume_id].name for mount in definition.volume_mounts},
        secrets=[set(workspace.secrets[secret]) for secret in definition.secret_ids],
        max_containers=scaling.max_containers or definition.concurrency_limit,
        min_containers=scaling.min_containers,
        scaledown_window=scaling.scaledown_window,
        concurrency=definition.max_concurrent_inputs,
        timeout=definition.timeout_secs,
        startup_timeout=definition.startup_timeout_secs,
        retries=definition.retry_policy.retries,
        cpu=definition.resources.milli_cpu / 1000,
        memory=definition.resources.memory_mb,
        regions=list(definition.scheduler_placement.regions),
        cron=definition.schedule.cron.cron_string,
        snapshot=definition.checkpointing_enabled,
    )


def _gpu(definition: api_pb2.Function) -> str:
    gpu = definition.resources.gpu_config
    return f"{gpu.gpu_type}:{gpu.count}" if gpu.count > 1 else gpu.gpu_type
