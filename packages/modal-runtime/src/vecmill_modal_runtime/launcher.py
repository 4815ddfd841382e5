"""The ``modal`` launcher: a job of a local machine is run on Modal, and its dataset stays on the Volume."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from vecmill.errors import ConfigError, VecmillError
from vecmill.protocols import Launcher
from vecmill.records import ComponentSpec, Dataset, Manifest, RunSubmitted
from vecmill_modal_runtime.options import ModalOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vecmill import Job
    from vecmill.records import Pace, RunEvent, RunOptions

APP = "vecmill_modal_runtime.ephemeral"
FEW = 20
"""Files that may be named one by one in every shard's task."""


class ModalLauncher(Launcher[ModalOptions]):
    """Takes a job to Modal, in an app of its own whose driver has the Volume; the dataset stays there."""

    name = "modal"
    Config = ModalOptions

    def is_needed(self) -> bool:
        """Return whether this is no container of Modal's."""
        import modal

        return modal.is_local()

    def run(self, job: Job, report: Callable[[RunEvent], None], options: RunOptions) -> Dataset:
        """Start an app for one job, wait for it, and return where its dataset is.

        Files of this machine that are its source are uploaded first. What the containers print goes to standard error.

        Raises:
            ConfigError: Modal does not know this machine, the job names something that containers cannot see, or an
                option has no meaning there.
            RunError: Modal could not run it.
            VecmillError: The run failed; what was done is kept on the Volume, and the same call goes on from there.
        """
        if options.overwrite or options.since:
            raise ConfigError(
                "on Modal every recipe and every revision of the source has a folder of its own, and vectors of the "
                "revision before are used again by themselves: leave --overwrite and --since out"
            )
        from vecmill_modal_runtime.app import translate_errors
        from vecmill_modal_runtime.budget import expect_cost, require_ceiling
        from vecmill_modal_runtime.images import PYTHON, collect_payload, refuse_unpackaged
        from vecmill_modal_runtime.jobs import adapt_job
        from vecmill_modal_runtime.volume import DEFAULT, NAME

        volume_name = os.environ.get(NAME, DEFAULT)
        adapted = adapt_job(job)
        adapted.check()
        refuse_unpackaged(adapted)
        require_ceiling(self.config, lambda: expect_cost(adapted))
        collect_payload(PYTHON)  # what cannot go into an image is refused before anything is sent
        _refuse_folder(job)
        with translate_errors():
            job = job.model_copy(update={"source": upload_source(job.source, volume_name)})
            report(RunSubmitted("Modal"))
            with _show_output():
                result, manifest = _call(job, self.config, trust_vectors=options.trust_vectors)
        return _describe_dataset(result, manifest, volume_name)

    def pace(self, flop_per_token: float) -> Pace:
        """Reckon with the GPU's peak and Modal's prices."""
        from vecmill_modal_runtime.budget import pace

        return pace(self.config, flop_per_token)


def upload_source(spec: ComponentSpec, volume_name: str) -> ComponentSpec:
    """Return a source that containers can read: files of this machine are uploaded to the Volume, not those of the Hub.

    Raises:
        ConfigError: They are not there, or their source is none whose files are known.
    """
    from vecmill.files import LocalFile
    from vecmill.runtimes import build_component
    from vecmill.sanitize import expand_path
    from vecmill.sources import FilesSource
    from vecmill_modal_runtime.volume import BUCKET, MOUNT, SOURCES, put, upload

    path = spec.options.get("path")
    if path is None or str(path).startswith((f"{MOUNT}/", f"{BUCKET}/")):
        return spec
    source = build_component("source", spec)
    if isinstance(source, FilesSource) and source.store.shared:
        return spec
    files = [file for file in source.files if isinstance(file, LocalFile)] if isinstance(source, FilesSource) else []
    if not files:
        raise ConfigError(
            f"source.path = {path!r} is on this machine, and containers cannot see it: put it on the Volume with "
            f"`modal volume put {volume_name} {path} sources/…`, and write source.path = '{SOURCES}/…'"
        )
    folder = SOURCES / "local" / source.fingerprint()[:12]
    if isinstance(path, str) and expand_path(path).is_dir():
        there: str | list[str] = str(put(expand_path(path), volume_name, str(folder.relative_to(SOURCES))))
    else:
        names = [file.name for file in files]
        upload({file.path: f"/{(folder / file.name).relative_to(MOUNT)}" for file in files}, volume_name)
        there = [str(folder / name) for name in names] if len(names) <= FEW or names != sorted(names) else str(folder)
    return spec.model_copy(update={"options": {**spec.options, "path": there}})


def _call(job: Job, options: ModalOptions, *, trust_vectors: bool) -> tuple[dict[str, str], str]:
    """Run the app, and return what its driver says of the dataset, and the dataset's manifest as JSON."""
    from huggingface_hub import get_token

    from vecmill_modal_runtime.app import unwrap_answer

    variables = {"VECMILL_MODAL_OPTIONS": options.model_dump_json(), "HF_TOKEN": get_token() or ""}
    with _environment(variables):
        sys.modules.pop(APP, None)  # an earlier run's app has other options
        ephemeral = importlib.import_module(APP)
        with ephemeral.app.run():
            answer: tuple[dict[str, str], str] | VecmillError = ephemeral.embed.remote(job, trust_vectors=trust_vectors)
    return unwrap_answer(answer)


def _describe_dataset(result: dict[str, str], manifest: str, volume_name: str) -> Dataset:
    from vecmill_modal_runtime.volume import MOUNT

    folder = Path(result["dataset"])
    return Dataset(
        folder,
        Manifest.model_validate_json(manifest),
        tuple(address for address in result["published"].split(", ") if address != "no"),
        fetch=shlex.join(("modal", "volume", "get", volume_name, str(folder.relative_to(MOUNT)), "out/")),
    )


def _refuse_folder(job: Job) -> None:
    from vecmill.sanitize import expand_path

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
    import modal

    with contextlib.redirect_stdout(_PlainStream()), modal.enable_output():
        yield


class _PlainStream(io.TextIOBase):
    """Standard error, as no terminal: a display of ours may be drawing there."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()
