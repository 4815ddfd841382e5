"""read_prompts: which prompt is for documents, and which for queries."""

from __future__ import annotations

import pytest

from vecmill.models.pipeline import read_prompts


@pytest.mark.parametrize(
    ("settings", "document", "query"),
    [
        ({}, "", ""),
        ({"prompts": {"query": "", "document": ""}, "default_prompt_name": None}, "", ""),
        ({"prompts": {"query": "query: ", "passage": "passage: "}}, "passage: ", "query: "),
        ({"prompts": {"query": "q: ", "document": "d: ", "passage": "p: "}}, "d: ", "q: "),
        ({"prompts": {"corpus": "c: "}}, "c: ", ""),
        ({"prompts": {"query": "search: "}}, "", "search: "),
        ({"prompts": {"s2p": "text: "}, "default_prompt_name": "s2p"}, "text: ", "text: "),
        ({"prompts": {"query": "q: "}, "default_prompt_name": "query"}, "", "q: "),
        ({"prompts": {"document": None, "query": "q: "}, "default_prompt_name": "query"}, "", "q: "),
        ({"prompts": None}, "", ""),
    ],
)
def test_documents_and_queries_get_their_own_prompt_or_the_default(settings, document, query, tmp_path, write_model):
    """A named prompt goes before the default, and documents never get the query's."""
    write_model(tmp_path, files={"config_sentence_transformers.json": settings})
    assert read_prompts(tmp_path) == (document, query)
