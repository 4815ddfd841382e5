"""Launcher: a job of a local machine, run on Modal, and its outcome brought back.

Raised in the container, an expected error would be shown with a traceback of the container's insides, in its log.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import modal

from vecmill.cli.format import printable
from vecmill.errors import ConfigError, RunError, VecmillError
from vecmill.files import LocalFile
from vecmill.paths import expand_path
from vecmill.plugins import load
from vecmill.plugins.registry import build
from vecmill.records import ComponentSpec, Dataset, Manifest, RunLaunched
from vecmill.redaction import redact_secrets
from vecmill.sources import FilesSource
from vecmill_modal_runtime.ceiling import expect_cost, require_ceiling
from vecmill_modal_runtime.images import PYTHON
from vecmill_modal_runtime.payload import payload, refuse_unpackaged
from vecmill_modal_runtime.placing import adapt_job
from vecmill_modal_runtime.volume import BUCKET, DEFAULT, MOUNT, NAME, SOURCES, put, upload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vecmill import Job
    from vecmill.records import RunEvent
    from vecmill_modal_runtime.options import ModalOptions


T = TypeVar("T")


def answer(work: Callable[[], T]) -> T | VecmillError:
    """Do something in a container; return what comes of it, be it an expected error, of vecmill or of Modal."""
    try:
        with translate_errors():
            return work()
    except VecmillError as error:
        # Here, for the secrets of a container are not those of the laptop.
        return type(error)(redact_secrets(str(error)))


def unwrap_answer(answer: T | VecmillError) -> T:
    """Return what a container made, or raise its error here."""
    if isinstance(answer, VecmillError):
        raise answer
    return answer


@contextlib.contextmanager
def report_errors() -> Iterator[None]:
    """End a command of Modal's as vecmill's own end: an expected error is one message, with its exit code."""
    try:
        with translate_errors():
            yield
    except VecmillError as error:
        print(f"vecmill: {printable(str(error))}", file=sys.stderr)  # noqa: T201 - a command's last word
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


APP = "vecmill_modal_runtime.ephemeral"
FEW = 20
"""Files that may be named one by one in every shard's task."""


def run_on_modal(
    job: Job, options: ModalOptions, report: Callable[[RunEvent], None], *, trust_vectors: bool = False
) -> Dataset:
    """Start an app for one job, wait for it, and return where its dataset is.

    Files of this machine that are its source are uploaded first. What the containers say goes to standard error.

    Raises:
        ConfigError: Modal does not know this machine, or the job names something that containers cannot see.
        RunError: Modal could not run it.
        VecmillError: The run failed; what was done is kept on the Volume, and the same call goes on from there.
    """
    volume_name = os.environ.get(NAME, DEFAULT)
    there = adapt_job(job)
    there.check(load().registry)
    refuse_unpackaged(there)
    require_ceiling(options, lambda: expect_cost(there))
    payload(PYTHON)  # what cannot go into an image is refused before anything is sent
    _refuse_folder(job)
    with translate_errors():
        job = job.model_copy(update={"source": upload_source(job.source, volume_name)})
        report(RunLaunched("Modal"))
        with _show_output():
            done, manifest = _call(job, options, trust_vectors=trust_vectors)
    folder = Path(done["dataset"])
    return Dataset(
        folder,
        Manifest.model_validate_json(manifest),
        tuple(place for place in done["published"].split(", ") if place != "no"),
        fetch=shlex.join(("modal", "volume", "get", volume_name, str(folder.relative_to(MOUNT)), "out/")),
    )


def upload_source(spec: ComponentSpec, volume_name: str) -> ComponentSpec:
    """Return a source that containers can read: files of this machine are uploaded to the Volume, not those of the Hub.

    Raises:
        ConfigError: They are not there, or their source is none whose files are known.
    """
    path = spec.options.get("path")
    if path is None or str(path).startswith((f"{MOUNT}/", f"{BUCKET}/")):
        return spec
    source = build(load().registry, "source", spec)
    if isinstance(source, FilesSource) and source.store.shared:
        return spec
    files = [file for file in source.files if isinstance(file, LocalFile)] if isinstance(source, FilesSource) else []
    if not files:
        raise ConfigError(
            f"source.path = {path!r} is on this machine, and containers cannot see it: put it on the Volume with "
            f"`modal volume put {volume_name} {path} sources/…`, and write source.path = '{SOURCES}/…'"
        )
    place = SOURCES / "local" / source.fingerprint()[:12]
    if isinstance(path, str) and expand_path(path).is_dir():
        there: str | list[str] = str(put(expand_path(path), volume_name, str(place.relative_to(SOURCES))))
    else:
        names = [file.name for file in files]
        upload({file.path: f"/{(place / file.name).relative_to(MOUNT)}" for file in files}, volume_name)
        there = [str(place / name) for name in names] if len(names) <= FEW or names != sorted(names) else str(place)
    return spec.model_copy(update={"options": {**spec.options, "path": there}})


def _call(job: Job, options: ModalOptions, *, trust_vectors: bool) -> tuple[dict[str, str], str]:
    from huggingface_hub import get_token

    variables = {"VECMILL_MODAL_OPTIONS": options.model_dump_json(), "HF_TOKEN": get_token() or ""}
    with _environment(variables):
        sys.modules.pop(APP, None)  # an earlier run's app has other options
        ephemeral = importlib.import_module(APP)
        with ephemeral.app.run():
            answer: tuple[dict[str, str], str] | VecmillError = ephemeral.embed.remote(job, trust_vectors=trust_vectors)
    return unwrap_answer(answer)


def _refuse_folder(job: Job) -> None:
    model = str(job.embedder.options.get("model") or "")
    if model and expand_path(model).is_dir():
        raise ConfigError(f"embedder.model = {model!r} is a folder of this machine: name a model of the Hub for Modal")


@contextlib.contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@contextlib.contextmanager
def _show_output() -> Iterator[None]:
    """Let the client show images being built and the containers' lines, and leave standard output to the result."""
    with contextlib.redirect_stdout(_Plain()), modal.enable_output():
        yield


class _Plain(io.TextIOBase):
    """Standard error, as no terminal: a display of ours may be drawing there."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()
