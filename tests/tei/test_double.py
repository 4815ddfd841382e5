"""The router double keeps the rules of TEI 1.9.3 that clients meet."""

from __future__ import annotations

import base64
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import numpy as np
import pytest

from doubles.tei import MODEL, RouterDouble, install
from doubles.tei.flags import parse

TEXTS = ["a", "b", "c"]
PATIENT: dict[str, Any] = {"timeout": 60}
"""For the clients: their own patience is five seconds, and a machine may be busy."""


@pytest.fixture
def client(router):
    """Open a client that knows nothing of vecmill."""
    with httpx2.Client(base_url=router.url, **PATIENT) as client:
        yield client


def test_it_says_what_it_serves_and_takes(client):
    """/info has the router's own keys and the defaults of 1.9.3, and no dimension."""
    info = client.get("/info").json()
    limits = {key: info[key] for key in ("max_concurrent_requests", "max_client_batch_size", "max_batch_tokens")}
    assert limits == {"max_concurrent_requests": 512, "max_client_batch_size": 32, "max_batch_tokens": 16384}
    assert (info["version"], info["auto_truncate"], info["max_input_length"]) == ("1.9.3", True, 256)
    assert (info["model_id"], info["model_sha"]) == (MODEL, None)
    assert info["model_type"] == {"embedding": {"pooling": "mean"}}
    assert client.get("/health").content == b""
    assert "te_request_count" in client.get("/metrics").text


def test_both_routes_give_the_same_vectors(client):
    """/embed is always a list of lists; base64 is little-endian float32; order is kept; headers tell the cost."""
    plain = client.post("/embed", json={"inputs": TEXTS})
    coded = client.post("/v1/embeddings", json={"input": TEXTS, "encoding_format": "base64"}).json()
    floats = client.post("/v1/embeddings", json={"input": TEXTS}).json()
    vectors = [np.frombuffer(base64.b64decode(entry["embedding"]), "<f4") for entry in coded["data"]]
    assert np.array(plain.json(), np.float32).tolist() == np.stack(vectors).tolist()
    assert np.array([entry["embedding"] for entry in floats["data"]], np.float32).tolist() == np.stack(vectors).tolist()
    assert [entry["index"] for entry in coded["data"]] == [0, 1, 2]
    assert client.post("/embed", json={"inputs": "b"}).json() == plain.json()[1:2]
    assert (plain.headers["x-compute-characters"], plain.headers["x-compute-tokens"]) == ("3", "9")
    assert floats["usage"] == {"prompt_tokens": 9, "total_tokens": 9}


@pytest.mark.parametrize(
    ("body", "status", "kind", "message"),
    [
        ({"inputs": ["a", ""]}, 400, "Empty", "Input validation error: `inputs` cannot be empty"),
        ({"inputs": []}, 400, "Empty", "`inputs` cannot be empty"),
        ({"inputs": ["a"] * 33}, 422, "Validation", "batch size 33 > maximum allowed batch size 32"),
        (
            {"inputs": ["word " * 300], "truncate": False},
            422,
            "Validation",
            "Input validation error: `inputs` must have less than 256 tokens. Given: 302",
        ),
        (
            {"inputs": ["x" * 64_001], "truncate": False},
            422,
            "Validation",
            "Input validation error: `inputs` must have less than 64000 characters. Given: 64001",
        ),
    ],
)
def test_one_bad_text_refuses_the_whole_request(client, body, status, kind, message):
    """There are no partial results; each route has its own shape of error."""
    answer = client.post("/embed", json=body)
    assert (answer.status_code, answer.json()) == (status, {"error": message, "error_type": kind})
    if "truncate" not in body:
        answer = client.post("/v1/embeddings", json={"input": body["inputs"]})
        assert (answer.status_code, answer.json()) == (status, {"message": message, "code": status, "type": kind})


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b'{"inputs": [1.5]}', "application/json", 422),
        (b"[]", "application/json", 422),
        (b'{"inputs": "a"}', "text/plain", 415),
        (b'{"inputs": "' + b"a" * 2_000_000 + b'"}', "application/json", 413),
    ],
)
def test_the_http_layer_answers_in_plain_text(client, content, kind, status):
    """Bad JSON, a wrong type and a body over the payload limit never reach the router's own errors."""
    answer = client.post("/embed", content=content, headers={"Content-Type": kind})
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/plain")


def test_permits_are_for_texts():
    """A request that needs more permits than are free is refused whole, and again there is room afterwards."""
    with (
        RouterDouble(MODEL, "--max-concurrent-requests", "40", vectors="random", script=["slow"], slow_s=600) as router,
        httpx2.Client(base_url=router.url, **PATIENT) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        body = {"inputs": ["text"] * 32}
        first = pool.submit(client.post, "/embed", json=body)
        _until_it_has_one(router)
        assert [client.post("/embed", json=body).status_code for _ in range(2)] == [429, 429]
        router.behave()
        assert first.result().status_code == 200
        assert client.post("/embed", json=body).status_code == 200


def _until_it_has_one(router):
    while router.metrics()["te_request_count"] == 0:
        time.sleep(0.01)


def test_null_stands_for_not_a_number(router, client):
    """JSON has no NaN: the router writes null, with status 200."""
    router.behave(nan="bad")
    assert client.post("/embed", json={"inputs": ["good", "bad"]}).json()[1] == [None] * 384


def test_tokens_are_the_models(client):
    """/tokenize tells ids, texts and places."""
    (tokens,) = client.post("/tokenize", json={"inputs": "hello worlds"}).json()
    assert [token["id"] for token in tokens] == [101, 7592, 8484, 102]
    assert tokens[1] == {"id": 7592, "text": "hello", "special": False, "start": 0, "stop": 5}


def test_a_key_guards_all_but_health_and_metrics():
    """Without it the body is empty."""
    with RouterDouble(MODEL, "--api-key", "secret", vectors="random") as router:
        codes = {
            path: httpx2.get(router.url + path, **PATIENT).status_code for path in ("/health", "/metrics", "/info")
        }
        assert codes == {"/health": 200, "/metrics": 200, "/info": 401}
        headers = {"Authorization": "Bearer secret"}
        answer = httpx2.post(f"{router.url}/embed", json={"inputs": "a"}, headers=headers, **PATIENT)
        assert answer.status_code == 200


def test_flags_are_also_variables_and_unknown_ones_are_refused(capsys):
    """As by the router's own parser: a flag goes before its variable, and a wrong one ends it with status 2."""
    environment = {"MAX_CLIENT_BATCH_SIZE": "7", "AUTO_TRUNCATE": "false", "PORT": "80"}
    flags = parse(["-p", "8080"], environment)
    assert (flags.max_client_batch_size, flags.auto_truncate, flags.port) == (7, False, 8080)
    for wrong in (["--max-client-batch-sizes", "1"], ["--auto-truncate", "yes"], ["--dtype", "int8"]):
        with pytest.raises(SystemExit) as caught:
            parse(wrong, {})
        assert caught.value.code == 2
    assert "--max-client-batch-sizes" in capsys.readouterr().err


def test_a_limit_below_the_longest_input_is_refused_or_said():
    """--max-batch-tokens cuts the longest input, unless --auto-truncate false forbids it."""
    with RouterDouble(MODEL, "--max-batch-tokens", "128", vectors="random") as router:
        assert httpx2.get(f"{router.url}/info", **PATIENT).json()["max_input_length"] == 128
    with pytest.raises(RuntimeError, match="exceeds `--max-batch-tokens=128`"):
        RouterDouble(MODEL, "--max-batch-tokens", "128", "--auto-truncate", "false", vectors="random").__enter__()


def test_it_drains_on_sigterm_and_logs_as_the_router_does(tmp_path):
    """The executable prints the lines that are relied on, and ends what it began."""
    command = install(tmp_path, vectors="random", script=["slow"], slow_s=1, cuda=True)
    with RouterDouble(MODEL, executable=command) as router, ThreadPoolExecutor(1) as pool:
        pool.submit(httpx2.get, f"{router.url}/health", **PATIENT).result()
        answer = pool.submit(httpx2.post, f"{router.url}/embed", json={"inputs": "a"}, **PATIENT)
        _until_it_has_one(router)
        os.kill(router.pid, signal.SIGTERM)
        assert answer.result().status_code == 200
        log = router.log
    assert "Starting FlashBert model on Cuda(" in log
    assert log.index("Warming up model") < log.index("Starting HTTP server: 127.0.0.1:") < log.index("Ready")


def test_a_strangers_client_reads_its_vectors(router, client):
    """huggingface_hub's own InferenceClient takes the double for a router."""
    from huggingface_hub import InferenceClient

    made = InferenceClient(router.url).feature_extraction("hello world")
    expected = client.post("/embed", json={"inputs": "hello world"}).json()
    assert np.array_equal(made, np.array(expected, np.float32))
