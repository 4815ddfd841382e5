"""Finish: receipts become a manifest and a card."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from vecmill.__about__ import __version__
from vecmill.job import account
from vecmill.job.verdict import decide_status
from vecmill.records import Manifest, Timing
from vecmill.store.card import card, own_text
from vecmill.store.files import read_text, write_bytes
from vecmill.store.json import write_json, write_places
from vecmill.store.register import register_run
from vecmill.store.schema import columns
from vecmill.store.sent import add_sent
from vecmill.store.state import read_refused

if TYPE_CHECKING:
    from vecmill.job.plan import Plan
    from vecmill.job.shards import Shards
    from vecmill.records import Reused


MADE = ("account", "reasons", "shards", "quarantine")
"""What a manifest says of what was made."""


class Finish:
    """Writes what stands beside the shards. The manifest comes last: with it the dataset is finished."""

    def __init__(self, plan: Plan, shards: Shards) -> None:
        self._plan = plan
        self._shards = shards

    def write(self, started: str, wall_seconds: float, before: Manifest | None = None) -> Manifest:
        """Account for every shard.

        Args:
            started: When the run was begun, ISO 8601.
            wall_seconds: How long this command has worked.
            before: The run's manifest, if it was finished already; where nothing has changed, its times stay.

        Raises:
            RunError: The account does not add up, or is not of all documents.
        """
        plan = self._plan
        receipts = [self._shards.receipts[task.index] for task in plan.tasks]
        account.check_documents(receipts, plan.split)
        manifest = Manifest(
            vecmill=__version__,
            run_id=plan.run_id,
            identity=plan.identity,
            recipe=plan.recipe,
            source=plan.source,
            model=plan.model,
            account=account.total(receipts),
            reasons=account.reasons(receipts),
            columns=columns(plan.layout.root / receipts[0].shard.path),
            split=plan.split.digest,
            shards=[receipt.shard for receipt in receipts],
            quarantine=account.merge_quarantine(plan.layout, receipts),
            duplicates={receipt.index: list(receipt.duplicates) for receipt in receipts if receipt.duplicates},
            timing=Timing(
                started=started,
                finished=datetime.now(UTC).isoformat(timespec="seconds"),
                wall_seconds=round(wall_seconds, 3),
                worker_seconds=round(sum(receipt.seconds for receipt in receipts), 3),
            ),
            reused=account.reused(receipts) or self._unnoted_reuse(before),
            cost=plan.runtime.cost,
            places=plan.places,
        )
        if before and all(getattr(manifest, key) == getattr(before, key) for key in MADE):
            manifest = manifest.model_copy(update={"timing": before.timing})
        add_sent(plan.layout, receipts)
        self._note_places()
        return self._save(manifest)

    def _unnoted_reuse(self, before: Manifest | None) -> Reused | None:
        """Return what a finished run of the first versions says of reuse: it kept no receipts, and refused nothing."""
        return before.reused if before is not None and not read_refused(self._plan.layout) else None

    def mend(self, manifest: Manifest) -> Manifest:
        """Put shards that were done again in place of damaged ones, and keep what the job says of text and places."""
        self._note_places()
        source = manifest.source.model_copy(update={"terms": self._plan.source.terms})
        if not self._shards.receipts and (manifest.status, manifest.source) == (self._status(manifest), source):
            self._replace_card(manifest)
            return manifest
        mended = [
            self._shards.receipts[index].shard if index in self._shards.receipts else entry
            for index, entry in enumerate(manifest.shards)
        ]
        add_sent(self._plan.layout, self._shards.receipts.values())
        cost = self._plan.runtime.cost if self._shards.receipts else manifest.cost
        return self._save(manifest.model_copy(update={"shards": mended, "source": source, "cost": cost}))

    def _note_places(self) -> None:
        """Write down on this machine, and for it alone, that the run is this user's, and where its model is."""
        write_places(self._plan.layout, self._plan.places)
        register_run(self._plan.run_id, self._plan.embedder)

    def _status(self, manifest: Manifest) -> str:
        return decide_status(manifest.account, self._plan.job.max_quarantine)

    def _save(self, manifest: Manifest) -> Manifest:
        judged = {"status": self._status(manifest), "max_quarantine": self._plan.job.max_quarantine}
        manifest = manifest.model_copy(update=judged)
        layout = self._plan.layout
        text = card(manifest, own=own_text(read_text(layout.card)) or "")
        write_bytes(layout.card, layout.temporary, text.encode())
        write_json(layout, layout.manifest, manifest)
        return manifest

    def _replace_card(self, manifest: Manifest) -> None:
        """Write the card of a finished run again, if somebody has removed it; one that is there stays."""
        layout = self._plan.layout
        if not layout.card.exists():
            write_bytes(layout.card, layout.temporary, card(manifest).encode())
