"""Wire: how much every caller said to the control plane, and heard of it."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google.protobuf.message import Message


class Wire:
    """Counts messages and their bytes; blobs travel beside it.

    Attributes:
        calls: How often a caller called an RPC: by the caller (a container's id, ``""`` for a laptop) and the RPC.
        bytes: Size of a caller's messages and of the answers to them.
    """

    def __init__(self) -> None:
        self.calls: collections.Counter[tuple[str, str]] = collections.Counter()
        self.bytes: collections.Counter[str] = collections.Counter()

    def asked(self, caller: str, name: str, message: Message) -> None:
        """Note a message."""
        self.calls[caller, name] += 1
        self.bytes[caller] += message.ByteSize()

    def answered(self, caller: str, message: Message) -> None:
        """Note a message of an answer."""
        self.bytes[caller] += message.ByteSize()
