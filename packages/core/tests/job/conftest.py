"""Fixtures for the tests of whole jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

from vecmill.errors import EmbedError
from vecmill.plugins import load
from vecmill.testing import HashEmbedder

if TYPE_CHECKING:
    from collections.abc import Callable


class Server(HashEmbedder):
    """An engine elsewhere: what it refuses is set, and what it was asked is known."""

    name = "hash"
    refuses: ClassVar[Callable[[str], bool]]
    asked: ClassVar[list[int]] = []

    def embed(self, texts):
        """Refuse a batch for one text of it."""
        self.asked.append(len(texts))
        if any(type(self).refuses(text) for text in texts):
            raise EmbedError("400 field required: model")
        return super().embed(texts)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> type[Server]:
    """Put an engine whose refusals can be set in the place of ``hash``; at first it refuses nothing."""
    embedders = load().registry.entries["embedder"]
    monkeypatch.setitem(embedders, "hash", type(embedders["hash"])(Server, "tests"))
    monkeypatch.setattr(Server, "refuses", staticmethod(lambda _: False), raising=False)
    Server.asked.clear()
    return Server
