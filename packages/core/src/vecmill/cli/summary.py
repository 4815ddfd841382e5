"""Summary: what a finished run says for itself."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from vecmill.cli.format import duration, near, plural, printable, rate, size
from vecmill.cli.progress import format_retries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vecmill.cli.progress_stats import ProgressStats
    from vecmill.records import Account, Dataset


def summary(dataset: Dataset, tally: ProgressStats, signature: str) -> str:
    """Return the account, the speed and the places of a dataset, as a few lines of text.

    Args:
        dataset: The finished dataset.
        tally: What the command did for it.
        signature: The sha256 of its manifest, in hex.
    """
    return "\n".join(f"{name:<10} {printable(line)}" for name, line in _lines(dataset, tally, signature))


def _lines(dataset: Dataset, tally: ProgressStats, signature: str) -> Iterator[tuple[str, str]]:
    account, manifest = dataset.account, dataset.manifest
    bytes_ = sum(entry.bytes for entry in manifest.shards)
    embedded, quarantined = account.documents_embedded, account.documents_quarantined
    yield "documents", f"{account.documents_in:,} in = {embedded:,} embedded + {quarantined:,} quarantined"
    for reason, count in manifest.reasons.items():
        yield "", f"{count:,} {printable(reason)}"
    if tally.retried is not None:
        yield "", format_retries(tally.retried)
    if manifest.quarantine is not None:
        yield "", f"set aside in {near(dataset.path / manifest.quarantine.path)}"
    yield "chunks", _chunks(account)
    if manifest.reused is not None:
        left = account.chunks - manifest.reused.chunks
        yield "", f"{manifest.reused.chunks:,} as the run {manifest.reused.run_id} made them, {left:,} embedded now"
    if dataset.fetch is None:
        yield from _work(tally)
    if manifest.cost is not None:
        yield "cost", str(manifest.cost)
    yield "dataset", f"{near(dataset.path)}: {plural(len(manifest.shards), 'shard')}, {size(bytes_)}"
    yield "manifest", signature
    yield from (("published", where) for where in dataset.published if where != str(dataset.path))
    yield "next", dataset.fetch or f'vecmill search {shlex.quote(near(dataset.path))} "a question"'


def _chunks(account: Account) -> str:
    truncated = f"{account.truncated_chunks:,} truncated" if account.truncated_chunks else "none truncated"
    parts = [f"{account.chunks:,}", f"{account.characters:,} characters", f"{account.tokens:,} tokens", truncated]
    if account.shortened_titles:
        parts.append(f"{plural(account.shortened_titles, 'title')} shortened")
    return ", ".join(parts)


def _work(tally: ProgressStats) -> Iterator[tuple[str, str]]:
    view = tally.view()
    if not tally.shards_made:
        yield "run", f"already complete; {plural(view.shards, 'shard')} checked in {duration(view.seconds)}"
        return
    if tally.shards_made < view.shards:
        before = view.shards - tally.shards_made
        yield "run", f"{tally.shards_made:,} of {plural(view.shards, 'shard')} now, {before:,} were done before"
    seconds = max(tally.embedding_seconds, 1e-9)
    speed = (rate(tally.made.chunks / seconds, "chunks"), rate(tally.made.tokens / seconds, "tokens"))
    yield "speed", ", ".join(speed)
    yield "time", f"{duration(view.seconds)}, {duration(seconds)} of it embedding"
