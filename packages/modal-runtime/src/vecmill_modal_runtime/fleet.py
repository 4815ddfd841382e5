"""Fleet: the worker class of an app, what it is equipped with, and which one this container belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import modal

from vecmill.errors import ConfigError
from vecmill_modal_runtime.images import cpu_image, tei_image
from vecmill_modal_runtime.volume import BUCKET, DEFAULT, MOUNT, volume

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import PurePosixPath

    from vecmill_modal_runtime.options import ModalOptions

RETRY_SECONDS = 5.0
"""Before the second attempt; twice as long before each other one."""
_enlisted: list[tuple[Any, ModalOptions]] = []


def mounts(
    options: ModalOptions, volume_name: str = DEFAULT
) -> dict[str | PurePosixPath, modal.Volume | modal.CloudBucketMount]:
    """Return what every container has: the Volume, and the bucket if the job has one."""
    found: dict[str | PurePosixPath, modal.Volume | modal.CloudBucketMount] = {str(MOUNT): volume(volume_name)}
    if options.bucket:
        name, _, prefix = options.bucket.strip("/").partition("/")
        found[str(BUCKET)] = modal.CloudBucketMount(
            name,
            bucket_endpoint_url=options.bucket_endpoint,
            key_prefix=f"{prefix}/" if prefix else None,
            secret=modal.Secret.from_name(options.bucket_secret) if options.bucket_secret else None,
            read_only=True,
        )
    return found


def enlist(
    app: modal.App, options: ModalOptions, volume_name: str = DEFAULT, secrets: Sequence[modal.Secret] = ()
) -> Any:  # noqa: ANN401 - Modal's decorated classes have no type of their own
    """Give an app its worker class; the ``modal`` runtime of this process gives shards to it.

    Args:
        app: The app; call this where its module is imported, in containers too.
        options: Which machines, and how many.
        volume_name: The Volume's name.
        secrets: What workers need beside: ``HF_TOKEN`` for gated models, and to send shards to the Hub.
    """
    decorated = app.cls(**_equipment(options, volume_name, secrets))(_worker_class(options))
    _enlisted[:] = [(decorated, options)]
    return decorated


def _equipment(options: ModalOptions, volume_name: str, secrets: Sequence[modal.Secret]) -> dict[str, Any]:
    """Return the arguments of ``app.cls`` for the worker class, as the options say."""
    image = tei_image(options.gpu, volume_name) if options.gpu else cpu_image(volume_name)
    return {
        "image": image,
        "gpu": list(options.gpu) if len(options.gpu) > 1 else next(iter(options.gpu), None),
        "cpu": options.cpu,
        "memory": options.memory_mib,
        "volumes": mounts(options, volume_name),
        "secrets": list(secrets),
        "max_containers": options.max_containers,
        "scaledown_window": options.scaledown_window,
        "timeout": options.timeout_s,
        "startup_timeout": options.startup_timeout_s,
        "retries": retries(options),
        "region": options.region,
        "enable_memory_snapshot": options.memory_snapshot,
    }


def retries(options: ModalOptions) -> modal.Retries:
    """Return how Modal tries again when it fails itself: a time that is up, a container that does not start."""
    return modal.Retries(max_retries=options.attempts - 1, initial_delay=RETRY_SECONDS)


def _worker_class(options: ModalOptions) -> Any:  # noqa: ANN401 - Modal's decorated classes have no type of their own
    """Return the class to decorate: Modal wants another one for memory snapshots."""
    from vecmill_modal_runtime.worker import ShardWorker, SnapshotWorker

    chosen = SnapshotWorker if options.memory_snapshot else ShardWorker
    return modal.concurrent(max_inputs=options.concurrency)(chosen)


def worker(options: ModalOptions) -> Any:  # noqa: ANN401 - (the same)
    """Return the worker class with the options of a run in place of those that it was deployed with.

    Only what differs is asked for anew: Modal gives a class with other options containers of its own, takes one kind of
    GPU for it where a deployment takes several, and cannot take back a region.

    Raises:
        ConfigError: No app has enlisted a class, or an option is part of the app as it was deployed.
    """
    from vecmill_modal_runtime.placing import refuse_fixed

    if not _enlisted:
        raise ConfigError(
            "runtime.name = 'modal', but this app has no workers: write "
            "`Worker = vecmill_modal_runtime.fleet.enlist(app, options)` beside its functions"
        )
    decorated, deployed = _enlisted[0]
    refuse_fixed(options, deployed)
    before, wanted = _changeable(deployed), _changeable(options)
    changes = {name: value for name, value in wanted.items() if value != before[name]}
    if "retries" in changes:
        changes["retries"] = retries(options)
    return decorated.with_options(**changes) if changes else decorated


def _changeable(options: ModalOptions) -> dict[str, Any]:
    """Return what ``with_options`` may say of a run."""
    return {
        "gpu": options.gpu[0] if len(options.gpu) == 1 else options.gpu or None,
        "cpu": options.cpu,
        "memory": options.memory_mib,
        "max_containers": options.max_containers,
        "scaledown_window": options.scaledown_window,
        "timeout": options.timeout_s,
        "region": options.region,
        "retries": options.attempts,
    }
