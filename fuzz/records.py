"""Records: a manifest, a card, or a note of this machine that is anything at all ends in a result or in a message."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import yaml

from vecmill import Job, run, search, verify
from vecmill.errors import VecmillError
from vecmill.files.hub_repo import read_terms
from vecmill.quality import measure
from vecmill.quality.report import format_page
from vecmill.records import FileEntry, Partition
from vecmill.store.card import Location, format_card, format_user_section, read_user_section
from vecmill.store.destination import read_note
from vecmill.store.files import finished_manifest, read_local_options
from vecmill.store.layout import Layout
from vecmill.store.state import STATE_FOLDER, find_run, read_sent, read_state, valid_receipt
from vecmill.testing import install
from vecmill_publishers.hub.preflight import FRONT
from vecmill_publishers.hub.uploads import PreUploads, Upload

if TYPE_CHECKING:
    from collections.abc import Callable

    from vecmill.records import Manifest

RUN = "0123456789abcdef"
REPO = "https://huggingface.co/datasets/user/name"


@functools.cache
def dataset() -> tuple[Path, Manifest]:
    """Make a small dataset that no reader has registered, once for all inputs."""
    folder = Path(tempfile.mkdtemp(prefix="vecmill-fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    install()
    (folder / "rows.jsonl").write_text('{"id": "1", "text": "Water boils."}\n{"id": "2", "text": "Iron melts."}\n')
    parquet = [{"name": "parquet", "path": str(folder / "out")}]
    source = {"name": "jsonl", "path": str(folder / "rows.jsonl")}
    with patch.dict(os.environ, {STATE_FOLDER: str(folder / "maker")}):
        made = run(Job(source=source, embedder={"name": "hash"}, runtime={"name": "inline"}, publish=parquet))
    return made.path, made.manifest


def check(data: bytes) -> None:
    """Read a record: the first byte says of what kind."""
    if data:
        try:
            KINDS[data[0] % len(KINDS)](data[1:])
        except VecmillError as error:
            assert str(error).strip()


def _manifest(content: bytes) -> None:
    """Use a dataset with this manifest in every way that sends nothing anywhere."""
    layout = Layout(dataset()[0])
    layout.manifest.write_bytes(content)
    manifest = finished_manifest(layout)
    assert manifest.published_name
    assert format_card(manifest, Location("user/name", "data/run", "run")).startswith("---\n")
    for fault in verify(layout.root).faults:
        assert fault.problem.strip()
    search(layout.root, "what boils?")
    assert format_page(measure(layout.root)).startswith("<!doctype html>")


def _note(path: Callable[[Layout], Path], read: Callable[[Layout], object]) -> Callable[[bytes], None]:
    def use(content: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            layout = Layout(Path(folder))
            path(layout).parent.mkdir(parents=True, exist_ok=True)
            path(layout).write_bytes(content)
            read(layout)

    return use


def _sent(layout: Layout) -> None:
    """Look for every shard among what workers are said to have sent."""
    for sent in read_sent(layout):
        pre_uploads = PreUploads(REPO, [sent])
        for variant in ("", "int8"):
            entry = FileEntry(path="data/a.parquet", rows=1, bytes=1, sha256=sent.sha256)
            pre_uploads.find_upload(Upload.of(layout.root, entry, "data", variant))


def _register(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder, patch.dict(os.environ, {STATE_FOLDER: folder}):
        entry = Path(folder) / "runs" / f"{RUN}.json"
        entry.parent.mkdir()
        entry.write_bytes(content)
        find_run(RUN)


def _card(content: bytes) -> None:
    """Read a card for the part that is the user's, and for the terms in its front matter."""
    text = content.decode("utf-8", "replace")
    own = read_user_section(text)
    assert own is None or read_user_section(format_user_section(own)) is not None
    front = FRONT.match(text)
    terms = read_terms(_mapping(front[0] if front else ""), "20231101.en")
    manifest = dataset()[1]
    source = manifest.source.model_copy(update={"terms": terms})
    written = format_card(manifest.model_copy(update={"source": source}), Location("user/name"))
    found = FRONT.match(written)
    assert found is not None
    assert yaml.safe_load(found[0].strip("-\n"))["tags"] == ["embeddings", "vecmill"]


def _mapping(front: str) -> dict[str, Any]:
    """Return front matter as the Hub's client reads it; what it does not take is none."""
    try:
        found = yaml.safe_load(front.strip("-\r\n"))
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError):
        return {}
    return found if isinstance(found, dict) else {}


KINDS: tuple[Callable[[bytes], None], ...] = (
    _manifest,
    _note(lambda layout: layout.local_options, read_local_options),
    _note(lambda layout: layout.sent, _sent),
    _note(lambda layout: layout.run, read_state),
    _note(lambda layout: layout.receipt(0), lambda layout: valid_receipt(layout, RUN, 0, Partition(where={}))),
    _note(lambda layout: layout.mirror, read_note),
    _register,
    _card,
)
