"""Ledger: which inputs wait for a container, and which one is worked on by whom."""

from __future__ import annotations

import collections
import time
from typing import TYPE_CHECKING

from modal_proto import api_pb2

from doubles.modal.call import Call, Input
from doubles.modal.traffic import Traffic

if TYPE_CHECKING:
    from doubles.modal.news import News
    from doubles.modal.numbering import Numbering

RESCHEDULED = 8
"""How often an input is given to another container when its own dies."""
FAILURE = api_pb2.GenericResult.GENERIC_STATUS_FAILURE


class Ledger:
    """All calls and inputs.

    Attributes:
        calls: By id.
        inputs: By id.
        traffic: By function id.
    """

    def __init__(self, number: Numbering, news: News) -> None:
        self._number = number
        self._news = news
        self._waiting: dict[str, collections.deque[Input]] = collections.defaultdict(collections.deque)
        self._at_work: dict[str, dict[str, Input]] = collections.defaultdict(dict)
        self.calls: dict[str, Call] = {}
        self.inputs: dict[str, Input] = {}
        self.traffic: dict[str, Traffic] = collections.defaultdict(Traffic)

    def begin(self, function: str, kind: api_pb2.FunctionCallInvocationType.ValueType) -> Call:
        """Begin a call of a function."""
        call = Call(self._number("fc"), function, kind)
        self.calls[call.id] = call
        return call

    def add(self, call: Call, given: api_pb2.FunctionPutInputsItem) -> Input:
        """Queue a new input of a call."""
        item = Input(self._number("in"), call, given.idx, given.input)
        self.inputs[item.id] = item
        call.inputs.append(item)
        call.unfinished += 1
        traffic = self.traffic[call.function]
        traffic.inputs += 1
        traffic.input_bytes += given.ByteSize()
        self._queue(item)
        return item

    def again(self, item: Input, retry: int) -> None:
        """Queue an input whose last attempt failed."""
        item.call.void(item)
        item.done, item.retry = False, retry
        self._queue(item)

    def hand(self, function: str, container: str) -> Input | None:
        """Give a container the input that waits longest, if one does."""
        if not self._waiting[function]:
            return None
        item = self._waiting[function].popleft()
        item.container, item.begun = container, time.monotonic()
        self._at_work[container][item.id] = item
        return item

    def finish(self, item: Input, result: api_pb2.GenericResult, data_format: api_pb2.DataFormat.ValueType) -> None:
        """End an input with what its container, or the platform, says."""
        item.call.answer(item, result, data_format)
        self._at_work[item.container].pop(item.id, None)
        item.container, item.done = "", True
        self._news.tell()

    def fail(self, item: Input, why: str, status: api_pb2.GenericResult.GenericStatus.ValueType = FAILURE) -> None:
        """End an input with an error of the platform's own."""
        self.finish(item, api_pb2.GenericResult(status=status, exception=why), api_pb2.DATA_FORMAT_UNSPECIFIED)

    def fail_waiting(self, function: str, result: api_pb2.GenericResult) -> None:
        """End every input that waits for a function whose containers cannot start."""
        while self._waiting[function]:
            self.finish(self._waiting[function].popleft(), result, api_pb2.DATA_FORMAT_PICKLE)

    def cancel(self, call: Call) -> None:
        """End the inputs of a call that wait; those at work go on."""
        queue = self._waiting[call.function]
        for item in [item for item in queue if item.call is call]:
            queue.remove(item)
            self.fail(item, "cancelled", api_pb2.GenericResult.GENERIC_STATUS_TERMINATED)

    def give_back(self, container: str, why: str) -> None:
        """Take the inputs of a container that died, and let another have them; not for ever."""
        for item in self.running(container):
            del self._at_work[container][item.id]
            item.container, item.deaths = "", item.deaths + 1
            if item.deaths > RESCHEDULED:
                self.fail(item, why)
            else:
                self._waiting[item.call.function].appendleft(item)
        self._news.tell()

    def running(self, container: str) -> list[Input]:
        """Return the inputs that a container works on."""
        return list(self._at_work[container].values())

    def waiting(self, function: str) -> int:
        """Return how many inputs wait for a function."""
        return len(self._waiting[function])

    def unfinished(self, function: str) -> int:
        """Return how many inputs of a function wait or are worked on."""
        at_work = (item for items in self._at_work.values() for item in items.values())
        return self.waiting(function) + sum(item.call.function == function for item in at_work)

    def _queue(self, item: Input) -> None:
        function = item.call.function
        self._waiting[function].append(item)
        self.traffic[function].queued(self.waiting(function), self.unfinished(function))
        self._news.tell()
