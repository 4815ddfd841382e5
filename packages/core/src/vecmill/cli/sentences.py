"""Sentences: what both kinds of progress say in words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vecmill.cli.tally import ELSEWHERE, EMBEDDING, FINISHING, PREPARING, PUBLISHING, STARTING
from vecmill.cli.text import near, plural, printable, said, size
from vecmill.records import DocumentsRetried, ShardDone, ShardFailed, ShardRetried

if TYPE_CHECKING:
    from vecmill.cli.tally import View
    from vecmill.records import Publishing, RunEvent, RunStarted

PHRASES = {
    PREPARING: "preparing: reading the model and the source",
    ELSEWHERE: "running on other machines, which say how it goes",
    STARTING: "starting: workers load the model",
    EMBEDDING: "embedding",
    FINISHING: "finishing: checking ids, writing the manifest",
    PUBLISHING: "publishing",
}


def phrase(view: View) -> str:
    """Say what the command is doing."""
    return delivered(view.delivery) if view.delivery else PHRASES[view.phase]


def delivered(event: Publishing) -> str:
    """Say how far a publisher is."""
    return f"{size(event.done)} of {size(event.bytes)} are at {printable(event.place)}"


def begun(event: RunStarted) -> str:
    """Say what is to be done, and where it goes."""
    into = f"into {near(Path(event.directory))}"
    left = event.shards - event.done
    if not left:
        return f"nothing left to embed in {plural(event.shards, 'shard')}, {into}"
    if not event.done:
        return f"{size(event.bytes)} of text in {plural(event.shards, 'shard')}, {into}"
    to_go = f"{size(event.bytes - event.done_bytes)} of {size(event.bytes)} of text"
    return f"{to_go} in {left:,} of {plural(event.shards, 'shard')} to go, {into}"


def retried(event: DocumentsRetried) -> str:
    """Say what came of documents that were tried again."""
    left = event.documents - event.embedded
    what = f"{plural(event.documents, 'document')} again that the engine had refused: {event.embedded:,} embedded now"
    return f"could not try {what}; {said(event.error)}" if event.error else f"tried {what}, {left:,} refused again"


def trouble(event: RunEvent) -> str | None:
    """Say what went wrong with a shard, or was tried again, if this is such an event."""
    if isinstance(event, DocumentsRetried):
        return retried(event)
    if isinstance(event, ShardRetried):
        return f"shard {event.shard} failed, and is tried again: {said(event.error)}"
    if isinstance(event, ShardFailed):
        failure = event.failure
        return f"shard {failure.index} failed after {plural(failure.attempts, 'attempt')}: {said(failure.error)}"
    if isinstance(event, ShardDone) and event.receipt.unsent:
        reasons = said("; ".join(event.receipt.unsent))
        return f"shard {event.receipt.index} is done; its worker could not send it, so it goes at the end: {reasons}"
    return None
