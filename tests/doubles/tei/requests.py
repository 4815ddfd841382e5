"""Requests: what the router reads from a body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from doubles.tei.refusal import PlainRefusal, Refusal


@dataclass
class Embed:
    """A request for vectors.

    Attributes:
        texts: What to embed.
        truncate: Whether to cut what is too long.
        base64: Whether vectors are wanted in base64.
        openai: Whether the answer is to be in OpenAI's shape.
        model: The model that the request names.
    """

    texts: list[str]
    truncate: bool
    base64: bool
    openai: bool
    model: str | None = None


def read_embed(body: bytes, *, openai: bool, auto_truncate: bool, most: int) -> Embed:
    """Read a request of either route.

    Raises:
        Refusal, PlainRefusal: The router would not have it.
    """
    request = read_json(body)
    texts = _texts(request.get("input" if openai else "inputs"))
    if not texts:
        raise Refusal("Empty", "`inputs` cannot be empty")
    if len(texts) > most:
        raise Refusal("Validation", f"batch size {len(texts)} > maximum allowed batch size {most}")
    if openai:
        base64, model = request.get("encoding_format", "float") == "base64", request.get("model")
        return Embed(texts, auto_truncate, base64, openai=True, model=model)
    truncate = request.get("truncate")
    return Embed(texts, auto_truncate if truncate is None else bool(truncate), base64=False, openai=False)


def read_json(body: bytes) -> dict[str, Any]:
    """Read an object.

    Raises:
        PlainRefusal: It is none.
    """
    try:
        request = orjson.loads(body)
    except ValueError as error:
        raise PlainRefusal(400, f"Failed to parse the request body as JSON: {error}") from error
    if not isinstance(request, dict):
        raise _mismatch("invalid type, expected a struct")
    return request


def _texts(inputs: object) -> list[str]:
    texts = [inputs] if isinstance(inputs, str) else inputs
    if not (isinstance(texts, list) and all(isinstance(text, str) for text in texts)):
        raise _mismatch("data did not match any variant of untagged enum Input")
    return texts


def _mismatch(why: str) -> PlainRefusal:
    return PlainRefusal(422, f"Failed to deserialize the JSON body into the target type: {why}")
