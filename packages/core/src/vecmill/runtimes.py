"""What runtimes and launchers are built with, besides ``vecmill.Worker``, the records and the errors.

A **runtime** gives shard tasks to workers and yields what comes of each: the ``Receipt`` that ``Worker.do`` returned,
or the ``ShardFailure`` that ``describe_failure`` makes of its error, once the error ``is_final`` or the attempts are
used up. Tasks, receipts and failures are pydantic models: they travel to other machines as JSON. ``ProgressThrottle``
passes on a worker's progress no more often than anyone can see, ``Resources`` says which part of a machine is one
worker's.

A **launcher** checks a job with ``Job.check`` before it takes it away. ``load_plugins`` lists the plugins in use, which
the other side needs too; ``pin_source`` and ``pin_embedder`` replace what could move meanwhile, such as a branch.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from vecmill.errors import UnfitEngineError, VecmillError, describe_error
from vecmill.plugins import DISABLE, load
from vecmill.plugins.manager import EXTRA, GROUP, OWN
from vecmill.plugins.registry import build, validate_options
from vecmill.protocols import Resources
from vecmill.records import ShardFailure
from vecmill.sanitize import redact_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pydantic import BaseModel

    from vecmill.protocols import Component, Source
    from vecmill.records import ComponentSpec, Progress, ShardTask

    ROUTER_VARIABLE: str

__all__ = [
    "BUILTIN_PLUGIN",
    "DISABLE_VARIABLE",
    "PLUGINS_VARIABLE",
    "PLUGIN_GROUP",
    "ROUTER_VARIABLE",
    "ProgressThrottle",
    "Resources",
    "build_component",
    "check_options",
    "check_publishers",
    "component_class",
    "describe_failure",
    "fingerprint_source",
    "is_final",
    "load_plugins",
    "pin_embedder",
    "pin_source",
]

PLUGIN_GROUP, PLUGINS_VARIABLE, DISABLE_VARIABLE = GROUP, EXTRA, DISABLE
"""Where plugins are found: the group of entry points, a variable with more, and one that switches some off."""
BUILTIN_PLUGIN = OWN
"""The plugin that the built-in components are."""
REPORT_SECONDS = 0.2
load_plugins = load


def __getattr__(name: str) -> str:
    """Return ``ROUTER_VARIABLE``, where ``tei`` without a ``url`` finds the address of the router of its worker."""
    if name == "ROUTER_VARIABLE":
        from vecmill.tei.embedder import URL

        return URL
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def is_final(error: BaseException) -> bool:
    """Return whether another attempt at the shard would fail the same way, so that none is to be made."""
    return isinstance(error, VecmillError) and error.final


def describe_failure(task: ShardTask, error: BaseException, attempts: int = 1) -> ShardFailure:
    """Return the outcome of a task that failed for good; secrets of this process are left out of its message.

    Args:
        task: The task.
        error: What its last attempt raised.
        attempts: How often it was tried.
    """
    text = str(error) if isinstance(error, VecmillError) else describe_error(error)
    engine = isinstance(error, UnfitEngineError)
    return ShardFailure(index=task.index, error=redact_secrets(text), attempts=attempts, engine=engine)


class ProgressThrottle:
    """Passes a worker's progress on, five times a second at most. Safe to call from many threads.

    Args:
        report: Takes progress.
        seconds: Between two reports.
    """

    def __init__(self, report: Callable[[Progress], None], seconds: float = REPORT_SECONDS) -> None:
        self._report = report
        self._seconds = seconds
        self._lock = threading.Lock()
        self._last = 0.0

    def __call__(self, progress: Progress) -> None:
        """Report progress, unless some was reported just now."""
        now = time.monotonic()
        with self._lock:
            if now - self._last >= self._seconds:
                self._last = now
                self._report(progress)


def build_component(kind: str, spec: ComponentSpec) -> Any:  # noqa: ANN401 - the kind decides
    """Make the source, embedder, runtime or publisher that a job names.

    Raises:
        ConfigError: There is none of that name, or its options are wrong.
    """
    return build(load().registry, kind, spec)


def check_options(kind: str, spec: ComponentSpec) -> BaseModel:
    """Return a component's options, all of them, as its ``Config``.

    Raises:
        ConfigError: There is none of that name, or an option is wrong.
    """
    return validate_options(load().registry.get(kind, spec.name), kind, spec.options)


def component_class(kind: str, name: str) -> type[Component[Any]]:
    """Return the class of a component.

    Raises:
        ConfigError: There is none of that name.
    """
    found: type[Component[Any]] = load().registry.get(kind, name)
    return found


def check_publishers(specs: Iterable[ComponentSpec]) -> None:
    """Ask publishers, before the work, whether they could deliver.

    Raises:
        PublishError: One could not.
    """
    from vecmill.job.publish import check_publishers

    check_publishers(build_component("publisher", spec) for spec in specs)


def pin_source(spec: ComponentSpec) -> Source[Any]:
    """Return a source with all that could move pinned: a branch is the commit that it is now.

    Raises:
        VecmillError: It is not there, or an option is wrong.
    """
    from vecmill.sources.corpus import Corpus

    return Corpus(build_component("source", spec)).pinned()


def fingerprint_source(source: Source[Any]) -> str:
    """Return the fingerprint of a source's content.

    Raises:
        VecmillError: It cannot be read.
    """
    from vecmill.sources.corpus import Corpus

    return Corpus(source).fingerprint()


def pin_embedder(spec: ComponentSpec) -> BaseModel:
    """Return an embedder's options with all that could move pinned; the model's weights are not loaded.

    Raises:
        VecmillError: There is no such model, or an option is wrong.
    """
    from vecmill.worker.embedding import name_embedder_errors

    embedder = build_component("embedder", spec)
    with name_embedder_errors(embedder, "pinned()"):
        pinned: BaseModel = embedder.pinned()
    return pinned
