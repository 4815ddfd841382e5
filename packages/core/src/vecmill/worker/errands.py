"""Errands: a finished shard, sent by the worker that made it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vecmill.errors import PluginError, VecmillError
from vecmill.plugins import load
from vecmill.plugins.build import build
from vecmill.records import Sent
from vecmill.redaction import redacted

if TYPE_CHECKING:
    from vecmill.records import Errand, Receipt, WorkSpec

NOTE_BYTES = 1000
"""Receipts of thousands of shards are held by one driver."""


def run_errands(spec: WorkSpec, receipt: Receipt) -> Receipt:
    """Send a shard to every publisher that wants it from here, and note what came of it in the receipt.

    An errand that fails costs nothing but time: the shard is finished, and its publisher still has the file.
    """
    sent: list[Sent] = []
    unsent: list[str] = []
    for errand in spec.errands:
        try:
            note = _run(errand, spec, receipt)
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything, and the shard is done all the same
            unsent.append(
                redacted(str(error) if isinstance(error, VecmillError) else f"{type(error).__name__}: {error}")
            )
        else:
            sent.append(Sent(publisher=errand.publisher.name, sha256=receipt.shard.sha256, note=note))
    return receipt.model_copy(update={"sent": tuple(sent), "unsent": tuple(unsent)})


def _run(errand: Errand, spec: WorkSpec, receipt: Receipt) -> dict[str, Any]:
    publisher = build(load().registry, "publisher", errand.publisher)
    note: dict[str, Any] = publisher.send(Path(spec.directory), receipt.shard, errand.ready)
    size = len(json.dumps(note).encode())
    if size >= NOTE_BYTES:
        raise PluginError(
            f"the publisher {errand.publisher.name!r} returned a note of {size:,} bytes for a shard that it sent, and "
            f"{NOTE_BYTES:,} are too many: report it to the publisher's author"
        )
    return note
