"""Status: how a run stands or how it ended, in lines of the log and, for whoever asks later, in a Modal Dict."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import modal
from pydantic import BaseModel, ConfigDict

from vecmill.concurrency import start_thread
from vecmill.errors import RunError, StoreError, VecmillError
from vecmill.records import Account, RunFinished, RunStarted, ShardDone, ShardFailed, ShardRetried, Spent
from vecmill.sanitize import printable, redact_secrets
from vecmill_modal_runtime.volume import DEFAULT, NAME
from vecmill_modal_runtime.webhook import call_webhook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vecmill.records import RunEvent, ShardFailure
    from vecmill_modal_runtime.options import ModalOptions


INTERVAL_SECONDS = 15.0
TROUBLES = 20
"""Failed attempts that are reported in a line each; more are counted."""


class Progress:
    """What the events of a run add up to.

    Args:
        clock: Seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._plan: RunStarted | None = None
        self._began = clock()
        self._made = Account()
        self._shards = self._bytes = self._troubles = 0
        self._spent: Spent | None = None
        self._last = ""
        self._asked = 0.0

    def take(self, event: RunEvent) -> str | None:
        """Count an event in; return what is worth a line of its own."""
        with self._lock:
            match event:
                case RunStarted():
                    return self._start(event)
                case ShardDone(receipt, size):
                    if not self._shards:
                        self._began = max(self._clock() - receipt.seconds, self._began)
                    self._made += receipt.account
                    self._shards, self._bytes = self._shards + 1, self._bytes + size
                    if receipt.unsent:
                        return self._trouble(
                            f"shard {receipt.index} is left to the driver to send: {receipt.unsent[0]}"
                        )
                case ShardRetried(shard, error):
                    return self._trouble(f"shard {shard} is tried again: {error}")
                case ShardFailed(failure):
                    return self._fail(failure)
                case Spent():
                    self._spent, self._asked = event, self._clock()
                case RunFinished():
                    return "all shards are done"
        return None

    @property
    def figures(self) -> dict[str, Any]:
        """How the run stands in numbers, by the names that a ``Status`` gives them; empty before it has begun."""
        with self._lock:
            plan = self._plan
            if plan is None:
                return {}
            seconds = max(self._clock() - self._began, 1e-9)
            spent = self._spent
            done = plan.done + self._shards
            share = (plan.done_bytes + self._bytes) / plan.bytes if plan.bytes else 0.0
            return {
                "state": "running",
                "shards": plan.shards,
                "shards_done": done,
                "percent": 100.0 if done >= plan.shards else round(min(99.9, 100 * share), 1),
                "documents": self._made.documents_in,
                "chunks": self._made.chunks,
                "containers": spent.machines if spent is not None else 0,
                "cost_usd": round(self._dollars(spent), 4) if spent is not None else 0.0,
                "seconds_left": self._seconds_left(plan, seconds),
                **({"error": self._last} if self._last else {}),
            }

    @property
    def line(self) -> str:
        """How the run stands; empty before it has begun."""
        with self._lock:
            plan = self._plan
            if plan is None:
                return ""
            seconds = max(self._clock() - self._began, 1e-9)
            made = self._made
            parts = [
                f"{plan.done + self._shards:,}/{plan.shards:,} shards",
                f"{made.documents_in:,} documents",
                f"{made.chunks:,} chunks",
                f"{made.chunks / seconds:,.0f} chunks/s",
                f"{made.characters / seconds:,.0f} characters/s",
            ]
            if self._spent is not None:
                parts.append(f"{self._spent.machines:,} {'container' if self._spent.machines == 1 else 'containers'}")
                parts.append(f"about {self._dollars(self._spent):,.2f} {self._spent.cost.currency}")
            if self._troubles > TROUBLES:
                parts.append(f"{self._troubles:,} failed attempts")
            return ", ".join([*parts, self._left(plan, seconds)])

    def _start(self, plan: RunStarted) -> str:
        # a run starts once more when documents with an id of an earlier shard are quarantined
        self._plan, self._began = plan, self._clock()
        self._made, self._shards, self._bytes = Account(), 0, 0
        return f"{plan.shards:,} {'shard' if plan.shards == 1 else 'shards'}, {plan.done:,} done before"

    def _fail(self, failure: ShardFailure) -> str | None:
        if failure.attempts:
            return self._trouble(f"shard {failure.index} failed: {failure.error}")
        known, self._last = self._last, failure.error  # not begun: the reason is the same for all
        return failure.error if failure.error != known else None

    def _trouble(self, line: str) -> str | None:
        self._last = line
        self._troubles += 1
        return line if self._troubles <= TROUBLES else None

    def _dollars(self, spent: Spent) -> float:
        """Return what the run has cost by now: an event comes only when a shard does."""
        return spent.cost.estimate + spent.machines * spent.cost.price_per_second * (self._clock() - self._asked)

    def _left(self, plan: RunStarted, seconds: float) -> str:
        if plan.done + self._shards >= plan.shards:
            return "complete"
        left = self._seconds_left(plan, seconds)
        return "waiting for the first shard" if left is None else f"{timedelta(seconds=round(left))} left"

    def _seconds_left(self, plan: RunStarted, seconds: float) -> float | None:
        """Return how long the rest takes at this pace; None until the first shard is done."""
        if not self._bytes:
            return None
        return (plan.bytes - plan.done_bytes - self._bytes) * seconds / self._bytes


@contextlib.contextmanager
def report_progress(
    say: Callable[[str], None],
    interval: float = INTERVAL_SECONDS,
    note: Callable[[dict[str, Any]], None] = lambda _: None,
) -> Iterator[Callable[[RunEvent], None]]:
    """Report a run in lines: what goes wrong at once, how it stands every ``interval`` seconds, events or none.

    Args:
        say: Takes a line.
        interval: Seconds.
        note: Takes the same in numbers, when the run begins and whenever there may be a line.
    """
    progress, over = Progress(), threading.Event()

    def take(event: RunEvent) -> None:
        if line := progress.take(event):
            say(line)
        if isinstance(event, RunStarted):
            note(progress.figures)

    def tick() -> None:
        while not over.wait(interval):
            note(progress.figures)
            if line := progress.line:
                say(line)

    thread = start_thread("progress", tick)
    try:
        yield take
    finally:
        over.set()
        thread.join()
        note(progress.figures)
        if line := progress.line:
            say(line)


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
        run: The release's folder; empty until it is known.
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
        key: The release's folder; or the dataset's name, for the run that reported last.
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
    silence = (datetime.now(UTC) - datetime.fromisoformat(status.updated)).total_seconds()
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
    doubtful = status.state in {"planning", "running"} and silence > SILENT_SECONDS
    doubt = ": it may have ended without a word (`modal app logs` says more)" if doubtful else ""
    lines.append(f"last report {timedelta(seconds=max(0, round(silence)))} ago{doubt}")
    if status.error:
        lines.append(f"last error  {status.error}")
    return printable("\n".join(lines))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
