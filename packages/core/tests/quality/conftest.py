"""Fixtures for the report's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from vecmill import run

if TYPE_CHECKING:
    from collections.abc import Callable

    from vecmill import Dataset


@pytest.fixture
def made(job, corpus) -> Callable[..., Dataset]:
    """Make a dataset of texts, or of rows, with stand-ins for model and runtime."""

    def make(*texts: str | dict[str, Any], **keys: Any) -> Dataset:
        rows = [{"id": str(n), "text": text} if isinstance(text, str) else text for n, text in enumerate(texts)]
        return run(job(corpus(*rows), **keys))

    return make
