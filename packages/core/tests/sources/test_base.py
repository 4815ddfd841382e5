"""SourceConfig: wrong options are refused with what is wrong."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from vecmill.sources.base import SourceConfig


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"limit": 0}, "greater than 0"),
        ({"limit": True}, "valid integer"),
        ({"limit": 10**30}, "less than 9223372036854775808"),
        ({"columns": {"body": "text"}}, "'id', 'text', 'url' or 'title'"),
        ({"columns": {"text": ""}}, "text must name a column"),
        ({"keep": ["title"]}, "title: the dataset has a column of that name already"),
        ({"keep": ["lang", "lang"]}, "named twice"),
        ({"keeps": ["lang"]}, "Extra inputs are not permitted"),
    ],
)
def test_a_wrong_option_is_refused(options: dict[str, object], told: str) -> None:
    """Each says what is allowed."""
    with pytest.raises(ValidationError, match=told):
        SourceConfig(**options)
