"""Edition: it changes with what comes out, and with nothing else."""

import shutil

import pytest

from repository import model_folder
from vecmill import Job
from vecmill.records import ComponentSpec
from vecmill_modal_runtime.releases import edition

KEYS = {
    "source": {"name": "pydoc"},
    "chunker": {"name": "characters"},
    "embedder": {"name": "tei", "model": "user/model", "revision": "f" * 40},
}


def of(**keys):
    """Return the edition of a job."""
    return edition("reference", Job(**{**KEYS, **keys}))


def test_the_folder_tells_revision_and_recipe():
    """Eight digits of the one and six of the other, after the name."""
    found = of()
    assert found.folder == f"reference-{found.revision[:8]}-{found.recipe[:6]}"


@pytest.mark.parametrize(
    "keys",
    [
        {"source": {"name": "pydoc", "limit": 5}},
        {"chunker": {"name": "characters", "size": 401}},
        {"embedder": {**KEYS["embedder"], "revision": "e" * 40}},
        {"embedder": {**KEYS["embedder"], "model": "user/other"}},
        {"embedder": {**KEYS["embedder"], "prompt": "passage: "}},
        {"truncate": True},
        {"shards": {"target_mb": 64}},
    ],
)
def test_another_recipe_is_another_edition(keys):
    """Whatever decides the bytes that come out."""
    assert of(**keys).recipe != of().recipe


@pytest.mark.parametrize(
    "keys",
    [
        {"embedder": {**KEYS["embedder"], "max_in_flight": 64}},
        {"runtime": {"name": "modal", "gpu": "L4"}},
        {"publish": [{"name": "parquet", "path": "elsewhere"}]},
        {"chunker": {"name": "characters", "size": 400}},
    ],
)
def test_where_and_how_fast_make_no_difference(keys):
    """Nor does a default that is written out."""
    assert of(**keys) == of()


def test_other_content_is_another_revision(tmp_path):
    """Files that no commit pins are known by their content, wherever they lie."""
    found = []
    for name, text in (("a", "one"), ("b", "one"), ("c", "two")):
        path = tmp_path / name / "x.jsonl"
        path.parent.mkdir()
        path.write_text(f'{{"id": "a", "text": "{text}"}}\n')
        found.append(of(source={"name": "jsonl", "path": str(path)}))
    assert found[0]._replace(source=ComponentSpec(name="")) == found[1]._replace(source=ComponentSpec(name=""))
    assert found[2].revision != found[0].revision


def test_a_changed_tokenizer_in_a_folder_makes_another_edition(tmp_path):
    """Of a folder the revision says its weights alone; a finished edition would be taken for this one."""
    folder = model_folder()
    (tmp_path / "model").mkdir()
    for name in ("config.json", "tokenizer.json"):
        shutil.copy(folder / name, tmp_path / "model")
    embedder = {**KEYS["embedder"], "model": str(tmp_path / "model"), "revision": "sha256:00"}
    before = of(embedder=embedder)
    with (tmp_path / "model" / "tokenizer.json").open("a") as file:
        file.write("\n")
    assert of(embedder=embedder).recipe != before.recipe
