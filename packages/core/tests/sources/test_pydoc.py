"""PydocSource: the language reference that comes with Python."""

from __future__ import annotations

from pydoc_data.topics import topics
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vecmill.errors import ConfigError
from vecmill.sources.pydoc import PydocSource

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa


def _source(**options: object) -> PydocSource:
    return PydocSource(PydocSource.Config(**options))


def test_every_article_is_a_document(read_all: Callable[..., pa.Table]) -> None:
    """Ids are the topics, sorted; the text is the whole article; there is no URL."""
    found = read_all(_source(), 50_000)

    assert dict(zip(found["id"].to_pylist(), found["text"].to_pylist(), strict=True)) == dict(topics)
    assert found["id"].to_pylist() == sorted(topics)
    assert found["url"].null_count == found.num_rows


def test_the_title_is_the_article_s_heading(read_all: Callable[..., pa.Table]) -> None:
    """An article begins with its heading, underlined."""
    found = read_all(_source())
    titles = dict(zip(found["id"].to_pylist(), found["title"].to_pylist(), strict=True))

    assert titles["with"] == 'The "with" statement'
    assert all(topics[topic].startswith(title) for topic, title in titles.items())


@settings(deadline=None)
@given(st.integers(1, 200), st.integers(1, 1_000_000))
def test_a_limit_takes_the_first_articles(limit: int, target: int) -> None:
    """So many, whatever the partitions."""
    source = _source(limit=limit)
    ids = [id_ for part in source.partitions(target) for b in source.read(part) for id_ in b.column("id").to_pylist()]

    assert ids == sorted(topics)[:limit]


def test_the_fingerprint_tells_what_is_read() -> None:
    """The same for the same articles, another for fewer."""
    assert _source().fingerprint() == _source().fingerprint() != _source(limit=3).fingerprint()


def test_a_column_it_has_not_is_refused() -> None:
    """Its columns are those of any source."""
    with pytest.raises(ConfigError, match=r"has no column 'lang'; it has id, text, title: take it out of keep"):
        list(_source(keep=["lang"]).partitions(1_000))
