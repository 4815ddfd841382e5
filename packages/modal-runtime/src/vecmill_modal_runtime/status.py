"""Status: how a run stands, or how it ended, for whoever asks later and from elsewhere.

The driver writes it into a Modal Dict every few seconds. ``modal run -m apps.wikipedia::status`` reads it there, and
needs no container for it. Modal forgets an entry that nobody has touched for a week.
"""

from __future__ import annotations

import contextlib
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import modal
from pydantic import BaseModel, ConfigDict

from vecmill.cli.format import printable
from vecmill.errors import RunError, StoreError, VecmillError
from vecmill.redaction import redact_secrets
from vecmill_modal_runtime.volume import DEFAULT, NAME
from vecmill_modal_runtime.webhook import call_webhook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vecmill_modal_runtime.options import ModalOptions

APP = "VECMILL_APP"
SILENT_SECONDS = 120.0
"""After which a run that says that it is at work may not be."""
LONGEST_ERROR = 2000


class Status(BaseModel):
    """How a run stands.

    Attributes:
        app: The app that it belongs to.
        by: Which of its functions works on it.
        dataset: The dataset's name.
        run: The edition's folder; empty until it is known.
        state: ``planning``, ``running``, ``finished``, ``failed`` or ``interrupted``.
        began: When, ISO 8601, UTC.
        updated: When this was written.
        percent: Of the source's text; 100 only when all is done.
        cost_usd: About what it has cost so far.
        max_cost_usd: The most that it may cost; None for any.
        seconds_left: About how long it will take; None where that is not known.
        error: The last thing that went wrong, though it may have been tried again.
    """

    model_config = ConfigDict(extra="ignore")

    app: str
    by: str
    dataset: str = ""
    run: str = ""
    state: str = "planning"
    began: str = ""
    updated: str = ""
    shards: int = 0
    shards_done: int = 0
    percent: float = 0.0
    documents: int = 0
    chunks: int = 0
    containers: int = 0
    cost_usd: float = 0.0
    max_cost_usd: float | None = None
    seconds_left: float | None = None
    error: str = ""


class Watch:
    """Writes how one run stands. What cannot be written is written next time: no run fails for it.

    Args:
        by: The function that works on it.
        entries: The Dict.
    """

    def __init__(self, by: str, entries: modal.Dict) -> None:
        self.status = Status(app=os.environ.get(APP, DEFAULT), by=by, began=_now())
        self._entries = entries

    def begin(self, dataset: str, run: str, options: ModalOptions) -> None:
        """Say which run it is."""
        self.update(dataset=dataset, run=run, max_cost_usd=options.ceiling)

    def update(self, **changes: Any) -> None:  # noqa: ANN401 - the fields of a status
        """Write what has changed."""
        self.status = self.status.model_copy(update={**changes, "updated": _now()})
        with contextlib.suppress(Exception):  # a Dict that is not there now is there in some seconds
            for key in filter(None, (self.status.dataset, self.status.run)):
                self._entries.put(key, self.status.model_dump_json())

    def fail(self, error: Exception, say: Callable[[str], None]) -> None:
        """Say why the run has ended, here and to the webhook."""
        text = str(error) if isinstance(error, VecmillError) else f"{type(error).__name__}: {error}"
        shown = redact_secrets(text)[:LONGEST_ERROR]
        self.update(state="failed", error=shown, seconds_left=None, containers=0)
        status = self.status
        subject = status.run or status.dataset or "a run"
        report = {"app": status.app, "by": status.by, "dataset": status.dataset, "run": status.run, "state": "failed"}
        text = f"{status.app}: {status.by} of {subject} failed: {shown}"
        call_webhook({**report, "error": shown, "when": status.updated, "text": text}, say)


@contextlib.contextmanager
def watch_run(by: str, say: Callable[[str], None], entries: modal.Dict | None = None) -> Iterator[Watch]:
    """Watch over a run, from before it is known which one it is until it has ended.

    Args:
        by: The function that works on it.
        say: Takes a line for the log.
        entries: Where to write; by default the Dict of this container's Volume.
    """
    watch = Watch(by, all_statuses() if entries is None else entries)
    try:
        yield watch
    except Exception as error:
        watch.fail(error, say)
        raise
    except BaseException:  # Modal takes the container away, and another one goes on
        watch.update(state="interrupted", containers=0)
        raise
    watch.update(state="finished", percent=100.0, seconds_left=None, containers=0)


def all_statuses(volume: str | None = None) -> modal.Dict:
    """Return the Dict of a Volume."""
    name = volume or os.environ.get(NAME, DEFAULT)
    return modal.Dict.from_name(f"{name[:57]}-status", create_if_missing=True)


def read_status(key: str, entries: modal.Dict) -> Status:
    """Return how a run stands.

    Args:
        key: The edition's folder; or the dataset's name, for the run that was heard of last.
        entries: The Dict.

    Raises:
        StoreError: Nothing is known of it.
        RunError: A newer version of vecmill wrote it.
    """
    found = entries.get(key)
    if found is None:
        raise StoreError(
            f"nothing is known of a run of {key!r} in the last week: `modal run -m apps.wikipedia::check` opens the "
            "finished dataset, if there is one"
        )
    try:
        return Status.model_validate_json(found)
    except ValueError as error:
        raise RunError(f"the status of {key!r} cannot be read ({error}): update vecmill here") from error


def describe_status(status: Status) -> str:
    """Return a status in a few lines."""
    heard = (datetime.now(UTC) - datetime.fromisoformat(status.updated)).total_seconds()
    ceiling = "without a ceiling" if status.max_cost_usd is None else f"of at most {status.max_cost_usd:,.2f}"
    counts = f"{status.shards_done:,} of {status.shards:,} shards, {status.documents:,} documents"
    lines = [
        f"{status.run or status.dataset}: {status.state} ({status.by} of {status.app}, begun {status.began})",
        f"done        {status.percent:.1f}%: {counts}, {status.chunks:,} chunks",
        f"cost        about {status.cost_usd:,.2f} USD, {ceiling}",
    ]
    if status.seconds_left is not None:
        left = timedelta(seconds=round(status.seconds_left))
        lines.append(f"time left   about {left}, with {status.containers:,} containers")
    silent = status.state in {"planning", "running"} and heard > SILENT_SECONDS
    doubt = ": it may have ended without a word (`modal app logs` says more)" if silent else ""
    lines.append(f"last heard  {timedelta(seconds=max(0, round(heard)))} ago{doubt}")
    if status.error:
        lines.append(f"last error  {status.error}")
    return printable("\n".join(lines))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
