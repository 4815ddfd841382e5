"""Bounds: what the fields of a record may hold. A manifest comes from anywhere, and so does what lies beside it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, Field, StringConstraints

MOST = 2**53
"""The greatest count: every reader of JSON takes it as it is."""
DEEPEST = 64
"""Tables in tables of a recipe or an identity."""


def check_tree(value: Any) -> Any:  # noqa: ANN401 - JSON is anything
    """Return a tree of JSON values that is not nested too deeply to be compared, shown and written.

    Raises:
        ValueError: It is.
    """
    level = [value]
    for _ in range(DEEPEST):
        level = [item for each in level for item in _branches(each)]
        if not level:
            return value
    raise ValueError(f"it is nested more than {DEEPEST} deep")


def check_time(text: str) -> str:
    """Return a time as ISO 8601 writes it.

    Raises:
        ValueError: It is none.
    """
    datetime.fromisoformat(text)
    return text


def _branches(value: Any) -> list[Any]:  # noqa: ANN401 - (the same)
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [item for item in items if isinstance(item, dict | list)]


Count: TypeAlias = Annotated[int, Field(ge=0, le=MOST)]
Amount: TypeAlias = Annotated[float, Field(ge=0, le=MOST, allow_inf_nan=False)]
Dimension: TypeAlias = Annotated[int, Field(ge=1, le=1 << 20)]
MaxTokens: TypeAlias = Annotated[int, Field(ge=1, le=10**30)]
"""A tokenizer without a limit says so by a number of thirty digits."""
Word: TypeAlias = Annotated[str, StringConstraints(max_length=256)]
Line: TypeAlias = Annotated[str, StringConstraints(max_length=4096)]
Text: TypeAlias = Annotated[str, StringConstraints(max_length=1 << 20)]
RunId: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_]{1,64}$")]
Sha256: TypeAlias = Annotated[str, StringConstraints(pattern=r"^(?:[0-9a-f]{64})?$")]
"""In hex; empty for a file that nobody has hashed yet."""
Time: TypeAlias = Annotated[str, StringConstraints(max_length=64), AfterValidator(check_time)]
Tree: TypeAlias = Annotated[dict[str, Any], AfterValidator(check_tree)]
