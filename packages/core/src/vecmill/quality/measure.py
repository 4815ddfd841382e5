"""Measure: everything that a report says of a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from vecmill.errors import StoreError, VecmillError
from vecmill.quality.geometry import geometry
from vecmill.quality.known_items import known_items
from vecmill.quality.lengths import lengths
from vecmill.quality.report import KnownItems, Report
from vecmill.quality.sample import Sample, sample
from vecmill.store.json import finished_manifest
from vecmill.store.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vecmill.records import Manifest


def measure(
    path: str | Path,
    *,
    model: str | None = None,
    embedder: str | Mapping[str, Any] | None = None,
    confirm: Callable[[str], bool] | None = None,
) -> Report:
    """Measure a dataset: the length of every chunk; of a sample, how vectors lie and whether documents are found.

    Memory does not grow with the dataset. Time grows with its row count alone, for the vectors are sampled.

    Args:
        path: The dataset's folder.
        model: The dataset's model, as in ``vecmill.search``.
        embedder: Its embedder, in the same way.
        confirm: Asked about what nobody but the manifest names.

    Raises:
        StoreError: There is no finished dataset, or it is empty.
    """
    layout = Layout(Path(path))
    manifest = finished_manifest(layout)
    if not manifest.account.chunks:
        raise StoreError(f"{path} holds no chunks: there is nothing to report on")
    taken = sample(layout.root, manifest)
    found, why_not = _known_items(taken, manifest, {"model": model, "embedder": embedder, "confirm": confirm})
    return Report(
        path=str(path),
        manifest=manifest,
        lengths=lengths(layout.root, manifest),
        geometry=geometry(taken),
        known_items=found,
        why_not=why_not,
    )


def _known_items(taken: Sample, manifest: Manifest, reader: dict[str, Any]) -> tuple[KnownItems | None, str | None]:
    try:
        return known_items(taken, manifest, **reader), None
    except VecmillError as error:
        return None, str(error)
