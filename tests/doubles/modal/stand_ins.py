"""Stand-ins: answers in place of containers, for tests of what comes before and after those."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from modal_proto import api_pb2

from modal._serialization import deserialize_data_format, serialize_data_format

if TYPE_CHECKING:
    from collections.abc import Callable

    from doubles.modal.call import Input
    from doubles.modal.functions import Functions
    from doubles.modal.ledger import Ledger

NAME = "stand-in"
PICKLE = api_pb2.DATA_FORMAT_PICKLE
SUCCESS = api_pb2.GenericResult.GENERIC_STATUS_SUCCESS
WORK_SECONDS = 0.02


class StandIns:
    """Answers inputs at the pace of containers that each take a fiftieth of a second.

    Attributes:
        known: For a function's name how many there are, and what each answers to its argument.
    """

    def __init__(self, functions: Functions, ledger: Ledger) -> None:
        self._functions = functions
        self._ledger = ledger
        self.known: dict[str, tuple[int, Callable[[Any], Any]]] = {}

    def stands_in(self, function: str) -> bool:
        """Whether a function needs no containers."""
        return self._functions.get(function).name in self.known

    async def work(self) -> None:
        """Take inputs, and answer them a little later."""
        while True:
            await asyncio.sleep(WORK_SECONDS)
            for item in self._ledger.running(NAME):
                self._answer(item)
            for function in filter(self.stands_in, list(self._functions.functions)):
                for _ in range(self.known[self._functions.get(function).name][0]):
                    self._ledger.hand(function, NAME)

    def _answer(self, item: Input) -> None:
        function = item.call.function
        (given,), _ = deserialize_data_format(item.content.args, PICKLE, None)
        data = serialize_data_format(self.known[self._functions.get(function).name][1](given), PICKLE)
        self._ledger.traffic[function].output_bytes += len(data)
        self._ledger.finish(item, api_pb2.GenericResult(status=SUCCESS, data=data), PICKLE)
