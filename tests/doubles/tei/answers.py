"""Answers: vectors as the router writes them, and as a broken one does."""

from __future__ import annotations

import time
from binascii import b2a_base64
from typing import TYPE_CHECKING

import numpy as np
import orjson
from aiohttp import web

if TYPE_CHECKING:
    from doubles.tei.requests import Embed

MISSHAPEN = {
    "narrow": lambda vectors: vectors[:, :-1],
    "missing": lambda vectors: vectors[:-1],
    "extra": lambda vectors: np.concatenate([vectors, vectors[:1]]),
}


def embedded(asked: Embed, vectors: np.ndarray, tokens: int, began: float, fault: str | None) -> web.Response:
    """Answer with vectors."""
    vectors = np.ascontiguousarray(MISSHAPEN.get(fault or "", lambda same: same)(vectors), "<f4")
    body = _openai(vectors, asked, tokens) if asked.openai else orjson.dumps(vectors, option=orjson.OPT_SERIALIZE_NUMPY)
    if fault == "truncated":
        body = body[: len(body) // 2]
    if fault == "html":
        return web.Response(text="<h1>It works!</h1>", content_type="text/html")
    return web.Response(body=body, content_type="application/json", headers=_headers(asked.texts, tokens, began))


def _openai(vectors: np.ndarray, asked: Embed, tokens: int) -> bytes:
    made = (
        [b'"%b"' % b2a_base64(row.tobytes(), newline=False) for row in vectors]
        if asked.base64
        else [orjson.dumps(row, option=orjson.OPT_SERIALIZE_NUMPY) for row in vectors]
    )
    data = b",".join(b'{"object":"embedding","embedding":%b,"index":%d}' % (row, i) for i, row in enumerate(made))
    usage = b'{"prompt_tokens":%d,"total_tokens":%d}' % (tokens, tokens)
    return b'{"object":"list","data":[%b],"model":"double","usage":%b}' % (data, usage)


def _headers(texts: list[str], tokens: int, began: float) -> dict[str, str]:
    spent = str(int((time.monotonic() - began) * 1000))
    return {
        "x-compute-type": "cpu",
        "x-compute-time": spent,
        "x-compute-characters": str(sum(map(len, texts))),
        "x-compute-tokens": str(tokens),
        "x-total-time": spent,
        "x-tokenization-time": "0",
        "x-queue-time": "0",
        "x-inference-time": spent,
    }
