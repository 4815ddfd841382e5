"""Sent: which shards workers have sent to publishers, kept beside a dataset until it is published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from vecmill.errors import StoreError
from vecmill.records import Sent
from vecmill.store.files import remove
from vecmill.store.json import read_json, write_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vecmill.records import Receipt
    from vecmill.store.layout import Layout


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    sent: tuple[Sent, ...] = ()


def add_sent(layout: Layout, receipts: Iterable[Receipt]) -> None:
    """Keep what receipts say was sent, beside what was kept before."""
    new = [sent for receipt in receipts for sent in receipt.sent]
    if new:
        write_json(layout, layout.sent, _Kept(sent=(*read_sent(layout), *new)))


def read_sent(layout: Layout) -> tuple[Sent, ...]:
    """Return what was kept; of a damaged file nothing: what was sent is sent again, which costs less than asking."""
    try:
        kept = read_json(layout.sent, _Kept)
    except StoreError:
        return ()
    return kept.sent if kept else ()


def clear_sent(layout: Layout) -> None:
    """Forget it: the dataset is published."""
    remove(layout.sent)
