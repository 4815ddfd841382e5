"""Summary: what a finished run says for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vecmill.records import Dataset


def summary(dataset: Dataset) -> str:
    """Return the account, the speed and the places of a dataset, as a few lines of text."""
    account, timing = dataset.account, dataset.manifest.timing
    seconds = timing.worker_seconds or 1e-9
    size = sum(entry.bytes for entry in dataset.manifest.shards) / 1e6
    lines = {
        "documents": f"{account.documents_in:,} in = {account.documents_embedded:,} embedded"
        f" + {account.documents_quarantined:,} quarantined",
        "chunks": f"{account.chunks:,}, with {account.characters:,} characters in {account.tokens:,} tokens,"
        f" {account.truncated_chunks:,} truncated",
        "speed": f"{account.chunks / seconds:,.0f} chunks/s, {account.tokens / seconds:,.0f} tokens/s",
        "dataset": f"{dataset.path} ({size:,.1f} MB in {len(dataset.manifest.shards)} shards)",
    }
    published = [where for where in dataset.published if where != str(dataset.path)]
    return "\n".join(
        [*(f"{name:<10} {line}" for name, line in lines.items()), *(f"published  {where}" for where in published)]
    )
