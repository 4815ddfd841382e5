"""Verdict: whether what a run has made is a dataset, and if not, what to do about it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from vecmill.errors import RunError

if TYPE_CHECKING:
    from vecmill.records import Account, Manifest
    from vecmill.store.layout import Layout

REFUSED = "not embedded"
"""The reason of documents that the engine refused; all other reasons lie in the documents or the job."""
ADVICE = {
    REFUSED: "see what the engine said of each, correct the engine, and run the same command again for them",
    "too long": "use smaller chunks, or set truncate = true",
    "duplicate id": "give each document of the source an id of its own",
}
"""What to do about a reason; about all others, to correct the source."""
SHOWN = 3


def decide_status(account: Account, allowed: float) -> Literal["complete", "failed"]:
    """Return whether enough was embedded: an empty dataset is none, whatever the job allows.

    Args:
        account: What became of the documents.
        allowed: The share of documents that may be quarantined.
    """
    return "complete" if account.chunks and quarantined_share(account) <= allowed else "failed"


def quarantined_share(account: Account) -> float:
    """Return the share of documents that were quarantined, from 0 to 1."""
    return account.documents_quarantined / max(1, account.documents_in)


def judge(manifest: Manifest, allowed: float, layout: Layout) -> None:
    """Fail a run that embedded nothing, or quarantined more documents than the job allows.

    Raises:
        RunError: Says how many, the most frequent reasons, and what to do about each.
    """
    if decide_status(manifest.account, allowed) == "failed":
        raise RunError(f"{explain(manifest, layout)}. What was made is kept for inspection, and nothing is published")


def explain(manifest: Manifest, layout: Layout) -> str:
    """Say why a run failed, and what to do about each reason."""
    account = manifest.account
    if not account.documents_in:
        return (
            f"the source {manifest.source.name!r} gave no documents, and an empty dataset is none: correct the "
            "job's [source], such as its path, its filter or its limit"
        )
    reasons = list(manifest.reasons.items())[:SHOWN]
    counts = ", ".join(f"{count} {reason}" for reason, count in reasons)
    advice = "; ".join(dict.fromkeys(ADVICE.get(reason, "correct the source") for reason, _ in reasons))
    found = f"{account.documents_quarantined} of {account.documents_in} documents were set aside ({counts})"
    if not account.chunks:
        return f"{found}, and an empty dataset is none: {advice}. They are in {layout.quarantine}, with details"
    enough = math.ceil(quarantined_share(account) * 1000) / 1000
    return (
        f"{found}, more than max_quarantine allows: {advice}; or, if the dataset may lack them, raise max_quarantine "
        f"to {enough:g} and run again: nothing is embedded twice. They are in {layout.quarantine}, with details"
    )
