"""ModelInfo: what a reader of the vectors must know about the model that made them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from vecmill.records.bounds import Dimension, Line, MaxTokens, Text, Word


class ModelInfo(BaseModel):
    """A model at a revision, and how its vectors are made.

    Attributes:
        id: Hub id, ``package:`` reference or folder, as the job names it.
        revision: Commit sha on the Hub, or ``sha256:…`` of a folder's weights.
        dimension: Width of a vector.
        max_tokens: Longest input in tokens, special tokens included.
        pooling: ``mean``, ``cls`` or ``lasttoken``.
        normalized: Whether vectors have unit length.
        prompt: Put in front of every embedded document.
        query_prompt: Put in front of a search query.
        precision: Arithmetic that made the vectors, such as ``bf16``.
        files: The sha256, in hex, of the files beside the weights that decide the vectors, by name.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: Line
    revision: Word | None
    dimension: Dimension
    max_tokens: MaxTokens
    pooling: Word
    normalized: bool
    prompt: Text = ""
    query_prompt: Text = ""
    precision: Word | None = None
    files: dict[Line, Word] = Field(default_factory=dict)
