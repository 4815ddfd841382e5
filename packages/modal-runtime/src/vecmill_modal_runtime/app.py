"""App: what a Modal app of vecmill is made of: its worker class, its mounts, its schedule, and its answers.

An app registers its worker class here, and the ``modal`` runtime of the same process finds it. An expected error that
is raised in a container would be shown with a traceback of the container's code, in its log: a function of an app
returns the error as its answer, and the command that called the function raises it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import sys
from typing import TYPE_CHECKING, Any, TypeVar

import modal

from vecmill.errors import ConfigError, RunError, VecmillError
from vecmill.sanitize import printable, redact_secrets
from vecmill_modal_runtime.images import cpu_image, tei_image
from vecmill_modal_runtime.volume import BUCKET, DEFAULT, MOUNT, volume

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import PurePosixPath

    from vecmill_modal_runtime.options import ModalOptions


T = TypeVar("T")

RETRY_SECONDS = 5.0
"""Before the second attempt; twice as long before each other one."""
_registered: list[tuple[Any, ModalOptions]] = []


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


def register(
    app: modal.App, options: ModalOptions, volume_name: str = DEFAULT, secrets: Sequence[modal.Secret] = ()
) -> Any:  # noqa: ANN401 - Modal's decorated classes have no type of their own
    """Give an app its worker class; the ``modal`` runtime of this process gives shards to it.

    Args:
        app: The app; call this where its module is imported, in containers too.
        options: Which machines, and how many.
        volume_name: The Volume's name.
        secrets: What else workers need: ``HF_TOKEN`` for gated models, and to send shards to the Hub.
    """
    decorated = app.cls(**_configure_class(options, volume_name, secrets))(_worker_class(options))
    _registered[:] = [(decorated, options)]
    return decorated


def _configure_class(options: ModalOptions, volume_name: str, secrets: Sequence[modal.Secret]) -> dict[str, Any]:
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


def find_worker(options: ModalOptions) -> Any:  # noqa: ANN401 - (the same)
    """Return the worker class with the options of a run in place of those that it was deployed with.

    Only what differs is asked for: Modal gives a class with other options separate containers, takes one kind of
    GPU for it where a deployment takes several, and cannot take back a region.

    Raises:
        ConfigError: No app has registered a class, or an option is part of the app as it was deployed.
    """
    from vecmill_modal_runtime.jobs import refuse_fixed

    if not _registered:
        raise ConfigError(
            "runtime.name = 'modal', but this app has no workers: write "
            "`Worker = vecmill_modal_runtime.app.register(app, options)` next to its functions"
        )
    decorated, deployed = _registered[0]
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


FIELDS = ("minute", "hour", "day of the month", "month", "day of the week")
_PLAIN = re.compile(r"(?:[0-9*,/-]|[A-Za-z]{3})+")
"""A field of numbers, or of months or days by their first three letters: what every cron reads."""


def read_cron(line: str, name: str) -> modal.Cron:
    """Return the schedule of a cron line, in UTC.

    Args:
        line: Such as ``0 4 3 * *``: at 4 in the morning of the 3rd of each month.
        name: Where the line stands, for messages.

    Raises:
        ConfigError: It cannot be read, or never comes.
    """
    from cronsim import CronSim, CronSimError

    def refuse(why: str) -> ConfigError:
        return ConfigError(
            f"{name} = {line!r}: {why}. Write {len(FIELDS)} fields ({', '.join(FIELDS)}), as '0 4 3 * *'"
        )

    fields = line.split()
    if len(fields) != len(FIELDS):
        raise refuse("it is " + (f"{len(fields)} words" if len(fields) != 1 else "one word"))
    for what, field in zip(FIELDS, fields, strict=True):
        if not _PLAIN.fullmatch(field):
            raise refuse(f"the {what}, {field!r}, is no number, name, range or list of them")
    text = " ".join(fields)
    try:
        next(CronSim(text, dt.datetime(2026, 1, 1, tzinfo=dt.UTC)))
    except CronSimError as error:
        raise refuse(str(error).lower()) from error
    except StopIteration:
        raise refuse("that day never comes") from None
    return modal.Cron(text)


def answer(work: Callable[[], T]) -> T | VecmillError:
    """Do something in a container; return what comes of it, be it an expected error, of vecmill or of Modal."""
    try:
        with translate_errors():
            return work()
    except VecmillError as error:
        # Here: a container has other secrets than the machine that called it.
        return type(error)(redact_secrets(str(error)))


def unwrap_answer(answer: T | VecmillError) -> T:
    """Return what a container made, or raise its error here."""
    if isinstance(answer, VecmillError):
        raise answer
    return answer


@contextlib.contextmanager
def report_errors() -> Iterator[None]:
    """End a command of Modal's as vecmill's commands end: an expected error is one message, with its exit code."""
    try:
        with translate_errors():
            yield
    except VecmillError as error:
        print(f"vecmill: {printable(str(error))}", file=sys.stderr)  # noqa: T201 - a command's message
        raise SystemExit(error.exit_code) from None


@contextlib.contextmanager
def translate_errors() -> Iterator[None]:
    """Turn what Modal's client raises into errors of ours.

    Raises:
        ConfigError: Modal does not know this machine.
        RunError: It could not do what it was asked for, or not within its time.
    """
    try:
        yield
    except modal.exception.AuthError as error:
        raise ConfigError(f"Modal does not know this machine ({error}): `modal setup` makes a token") from error
    except modal.exception.Error as error:
        raise RunError(
            f"Modal could not run it: {type(error).__name__}: {error}. What is done is kept: the same command goes on"
        ) from error
