"""Publish: publishers take a finished dataset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from vecmill.concurrency import check_interrupt
from vecmill.errors import PublishError, name_errors
from vecmill.job.finalize import explain
from vecmill.paths import writable_down
from vecmill.plugins import load
from vecmill.plugins.registry import build
from vecmill.records import ComponentSpec, WorkerUpload
from vecmill.store.destination import locked_to_read
from vecmill.store.files import finished_manifest
from vecmill.store.layout import Layout
from vecmill.store.state import read_sent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from vecmill.protocols import Publisher
    from vecmill.records import Manifest, RunEvent


def publish(
    path: str | Path,
    to: str,
    options: Mapping[str, Any] | None = None,
    observe: Callable[[RunEvent], None] | None = None,
) -> str:
    """Publish a dataset that an earlier run made; called again after a failure, it resumes.

    Args:
        path: The dataset's folder.
        to: The publisher's name, such as ``"hub"``.
        options: Its options, such as ``{"repo": "user/name"}``.
        observe: Called with ``Publishing`` events.

    Returns:
        Where the dataset is now.

    Raises:
        ConfigError: There is no such publisher, or its options are wrong.
        StoreError: There is no finished dataset at ``path``.
        PublishError: It could not be delivered, or its run failed because too many documents were quarantined.
    """
    layout, manifest = _open_finished(path)
    publisher = _publisher(to, options)
    if observe is not None:
        publisher.report = observe
    with locked_to_read(layout):
        layout, manifest = _open_finished(path)  # a run may have changed it before the lock
        check([publisher])
        return deliver([publisher], layout, manifest)[0]


def preview(path: str | Path, to: str, options: Mapping[str, Any] | None = None) -> Iterator[str]:
    """Yield lines about what ``publish`` would do; nothing is changed. Raises what ``publish`` raises."""
    layout, manifest = _open_finished(path)
    publisher = _publisher(to, options)
    check([publisher])
    _report_sent([publisher], layout)
    with _name_errors(publisher, "preview()"):
        yield from publisher.preview(layout.root, manifest)


def directory(publishers: Iterable[Publisher[Any]], name: str) -> Path:
    """Return the folder of a job's dataset: the one that the first publisher names, else ``out/NAME``; absolute.

    Raises:
        ConfigError: Its name is not UTF-8.
    """
    for publisher in publishers:
        with _name_errors(publisher, "directory()"):
            wanted = publisher.directory()
            if wanted is not None:
                return Path(writable_down(wanted.absolute()))
    return Path(writable_down((Path("out") / name).absolute()))


def check(publishers: Iterable[Publisher[Any]]) -> None:
    """Ask publishers, before the work, whether they could deliver."""
    for publisher in publishers:
        with _name_errors(publisher, "check()"):
            publisher.check()


def deliver(publishers: Sequence[Publisher[Any]], layout: Layout, manifest: Manifest) -> tuple[str, ...]:
    """Give a finished dataset to publishers, one after the other, and return its locations."""
    _report_sent(publishers, layout)
    return tuple(_deliver_dataset(publisher, layout, manifest) for publisher in publishers)


def _deliver_dataset(publisher: Publisher[Any], layout: Layout, manifest: Manifest) -> str:
    check_interrupt()
    with _name_errors(publisher, "publish()"):
        return publisher.publish(layout.root, manifest)


def prepare_uploads(publishers: Iterable[Publisher[Any]]) -> tuple[WorkerUpload, ...]:
    """Ask publishers, before the work, which of them want workers to upload shards."""
    asked = ((publisher, _prepare_workers(publisher)) for publisher in publishers)
    return tuple(WorkerUpload(publisher=_spec(each), ready=ready) for each, ready in asked if ready is not None)


def _prepare_workers(publisher: Publisher[Any]) -> dict[str, Any] | None:
    with _name_errors(publisher, "prepare()"):
        return publisher.prepare()


def _report_sent(publishers: Iterable[Publisher[Any]], layout: Layout) -> None:
    kept = read_sent(layout)
    for publisher in publishers:
        with _name_errors(publisher, "accept()"):
            publisher.accept([sent for sent in kept if sent.publisher == publisher.name])


def _name_errors(publisher: Publisher[Any], call: str) -> AbstractContextManager[None]:
    advice = "run the same command again, which resumes; if it fails again, report it to the publisher's author"
    return name_errors(f"the publisher {publisher.name!r} failed at {call}", PublishError, advice)


def _spec(publisher: Publisher[Any]) -> ComponentSpec:
    return ComponentSpec(name=publisher.name, options=publisher.config.model_dump(mode="json"))


def _publisher(name: str, options: Mapping[str, Any] | None) -> Publisher[Any]:
    made: Publisher[Any] = build(load().registry, "publisher", ComponentSpec(name=name, options=dict(options or {})))
    return made


def _open_finished(path: str | Path) -> tuple[Layout, Manifest]:
    layout = Layout(Path(path).absolute())
    manifest = finished_manifest(layout)
    if manifest.status == "failed" or not manifest.account.chunks:
        raise PublishError(f"{path} cannot be published: {explain(manifest, layout)}")
    return layout, manifest
