"""Answers: whatever comes from a router's address is vectors of the right shape, or an error with a message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import numpy as np

from vecmill.errors import VecmillError
from vecmill.models import ModelFolder, Pipeline, Prompts
from vecmill.tei.client import ROUTES
from vecmill.tei.errors import RetryableError, TooLargeError, check_status
from vecmill.tei.handshake import read_info

NOWHERE = Path("nowhere")
FOLDER = ModelFolder(
    id="user/model",
    revision="0" * 40,
    root=NOWHERE,
    path=NOWHERE,
    config={},
    pipeline=Pipeline(),
    prompts=Prompts(),
    max_tokens=512,
    dimension=4,
)
STATUSES = (200, 400, 401, 404, 413, 422, 424, 429, 500, 503, 302, 418)
WAYS = (*ROUTES, "info", "status")


def check(data: bytes) -> None:
    """Read an answer: the first byte says to what question, the second how many texts it had, or its status."""
    if len(data) < 2:  # noqa: PLR2004 - the two bytes
        return
    way, number, content = WAYS[data[0] % len(WAYS)], data[1], data[2:]
    try:
        if way == "info":
            read_info(content, "http://127.0.0.1").check(FOLDER, "f16")
        elif way == "status":
            check_status(_response(STATUSES[number % len(STATUSES)], content))
        else:
            _check_vectors(way, content, 1 + number % 4)
    except (VecmillError, RetryableError, TooLargeError) as error:
        assert str(error).strip()


def _check_vectors(way: str, content: bytes, rows: int) -> None:
    vectors: Any = ROUTES[way]("model").vectors(content, rows, 2)
    assert vectors.shape == (rows, 2)
    assert vectors.dtype == np.float32


def _response(status: int, content: bytes) -> httpx2.Response:
    return httpx2.Response(status, content=content, request=httpx2.Request("POST", "http://127.0.0.1/embed"))
