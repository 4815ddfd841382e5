"""The server's name for the model."""

from __future__ import annotations

import json

import httpx2
import pytest

from vecmill.errors import ConfigError, EngineError
from vecmill.tei.client import Router
from vecmill.tei.handshake import choose_served_model, find_served_model
from vecmill.tei.session import RetryPolicy

MODEL = "BAAI/bge-small-en-v1.5"


@pytest.mark.parametrize(
    ("served", "chosen"),
    [
        ([], MODEL),
        ([("embedder", None)], "embedder"),  # one model, by whatever name: llama.cpp's file, an alias of vLLM
        ([("baai/BGE-small-en-v1.5", None), ("other", None)], "baai/BGE-small-en-v1.5"),
        ([("x", MODEL), ("y", "other/model")], "x"),  # vLLM: the name it serves, and what it was loaded from
        ([("llama", None), ("bge-small-en-v1.5:latest", None)], "bge-small-en-v1.5:latest"),  # Ollama
        ([("other/bge-small-en-v1.5", None), (MODEL, None)], MODEL),
    ],
)
def test_the_models_name_is_found_in_the_servers_list(served, chosen):
    """The same name, the name without its owner, or the only one; without a list, the model's own."""
    assert choose_served_model(served, MODEL) == chosen


@pytest.mark.parametrize("served", [["a", "b"], ["x/bge-small-en-v1.5", "y/bge-small-en-v1.5"], list("abcdefgh")])
def test_a_name_that_cannot_be_told_is_asked_for(served):
    """Another model's vectors would be worse than none."""
    with pytest.raises(ConfigError, match=r"set embedder\.served_model"):
        choose_served_model([(name, None) for name in served], MODEL)


@pytest.mark.parametrize("folder", ["/home/someone/models/mini", "package:somebody/mini", "./private/mini"])
def test_a_server_is_not_told_where_a_folder_is(folder):
    """Of a path it is sent the last part."""
    assert choose_served_model([], folder) == "mini"


class Answers(Router):
    """A server's answers, one after the other."""

    def __init__(self, *answers):  # no connection is opened
        self._answers = list(answers)

    def get(self, path):
        """Give the next."""
        status, content = self._answers.pop(0)
        return httpx2.Response(status, content=content, request=httpx2.Request("GET", f"http://127.0.0.1:1{path}"))


LIST = json.dumps({"object": "list", "data": [{"id": "embedder", "object": "model", "created": 1}]}).encode()


@pytest.mark.parametrize(
    ("answers", "name"),
    [
        ([(503, b""), (429, b""), (200, LIST)], "embedder"),
        ([(404, b"")], MODEL),
        ([(500, b"")], MODEL),
        ([(200, b"<h1>It works!</h1>")], MODEL),
        ([(200, b'{"data": 7}')], MODEL),
        ([(200, b'{"data": []}')], MODEL),
    ],
)
def test_a_server_without_a_list_is_sent_the_models_own_name(answers, name):
    """One that is not there yet is waited for; what makes no sense is no list."""
    assert find_served_model(Answers(*answers), MODEL, RetryPolicy(5, 60)) == name


def test_a_list_that_wants_a_key_or_never_comes_ends_the_run():
    """As any other page."""
    with pytest.raises(ConfigError, match="VECMILL_TEI_API_KEY"):
        find_served_model(Answers((401, b"")), MODEL, RetryPolicy(5, 60))
    with pytest.raises(EngineError, match="waited"):
        find_served_model(Answers((503, b"")), MODEL, RetryPolicy(5, 0))
