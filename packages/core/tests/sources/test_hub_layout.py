"""layout: the files of a split, by the card or by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vecmill.errors import ConfigError, SourceError
from vecmill.files import HubRepo
from vecmill.sources.hub import layout

if TYPE_CHECKING:
    from pathlib import Path

    from doubles.hub import HubDouble


def _repo(hub: HubDouble, folder: Path, files: str, card: str = "") -> HubRepo:
    """Put empty files on a Hub; only their names count."""
    root = folder / "repo"
    for name in files.split():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    if card:
        (root / "README.md").write_text(f"---\n{card}\n---\n# A dataset\n")
    hub.add("dataset", "user/data", root)
    return HubRepo("user/data", None)


@pytest.mark.parametrize(
    ("files", "config", "split", "expected"),
    [
        ("data/train-00000-of-00002.parquet data/train-00001-of-00002.parquet", None, "train", None),
        ("data/test-00000-of-00001.parquet data/train_sft-00000-of-00001.parquet", None, "train_sft", "data/train_sft"),
        ("train.parquet test.parquet", None, "test", "test.parquet"),
        ("training/a.parquet dev/b.parquet", None, "validation", "dev/"),
        ("en/train-00000-of-00001.parquet fr/train-00000-of-00001.parquet", "fr", "train", "fr/"),
        ("plain/train/0000.parquet plain/train_sft/0000.parquet", None, "train_sft", "plain/train_sft/"),
        ("a/train/0000.parquet default/train/0000.parquet", None, "train", "default/"),
        ("a.parquet deep/b.parquet .cache/c.parquet notes.txt", None, "train", None),
        ("one/articles.parquet two/articles.parquet", "default", "train", None),
    ],
)
def test_without_a_card_names_tell(
    hub: HubDouble, tmp_path: Path, files: str, config: str | None, split: str, expected: str | None
) -> None:
    """Folders and file names, in the ways the Hub's datasets use them."""
    found = [file.name for file in layout(_repo(hub, tmp_path, files), config, split).files]
    wanted = [name for name in files.split() if name.endswith(".parquet") and "cache" not in name]

    assert found == sorted(name for name in wanted if expected is None or name.startswith(expected))


@pytest.mark.parametrize(
    ("configs", "split", "expected"),
    [
        ("{config_name: x, data_files: part/*.parquet}", "train", "ab"),
        ("{config_name: x, data_files: [part/b.parquet, part/a.parquet, part/b.parquet]}", "train", "ba"),
        ("{config_name: x, data_files: [{split: dev, path: [part/b*, 'part/?.parquet']}]}", "dev", "ba"),
        ("{config_name: x, data_dir: part, data_files: a.parquet}", "train", "a"),
        ("{config_name: x, data_dir: part}", "train", "ab"),
        ("{config_name: y, data_dir: other}, {config_name: x, data_dir: part, default: true}", "train", "ab"),
    ],
)
def test_a_card_tells_first(hub: HubDouble, tmp_path: Path, configs: str, split: str, expected: str) -> None:
    """Patterns are taken in the card's order, each file once."""
    repo = _repo(hub, tmp_path, "part/a.parquet part/b.parquet other/train.parquet", f"configs: [{configs}]")
    found = layout(repo, None, split)

    assert found.config == "x"
    assert [file.name for file in found.files] == [f"part/{name}.parquet" for name in expected]


@pytest.mark.parametrize("path", ["data/*", "https://elsewhere/a.parquet", "data/a.jsonl"])
def test_other_formats_have_no_parquet_files(hub: HubDouble, tmp_path: Path, path: str) -> None:
    """They are left to the datasets library, also if only some files are Parquet."""
    repo = _repo(hub, tmp_path, "data/a.jsonl data/b.parquet", f"configs: [{{config_name: x, data_files: '{path}'}}]")

    assert layout(repo, None, "train").files == []


@pytest.mark.parametrize(
    ("files", "config", "split", "told"),
    [
        ("en/train-00000-of-00001.parquet", "fr", "train", "no configuration 'fr'. It has: en"),
        ("a/train/0000.parquet b/train/0000.parquet", None, "train", "several configurations: a, b"),
        ("test.parquet dev.parquet", None, "train", "no split 'train'. It has: validation, test"),
    ],
)
def test_what_is_not_there_is_named_with_what_is(
    hub: HubDouble, tmp_path: Path, files: str, config: str | None, split: str, told: str
) -> None:
    """Before any work, as a wrong option."""
    with pytest.raises(ConfigError, match=told):
        layout(_repo(hub, tmp_path, files), config, split)


def test_a_half_converted_split_is_not_taken_for_the_whole(hub: HubDouble, tmp_path: Path) -> None:
    """The Hub's Parquet copy of a large dataset stops in the middle, and is named so."""
    assert layout(_repo(hub, tmp_path, "a/partial-train/0000.parquet"), "a", "train").files == []


def test_a_card_that_is_not_yaml_is_named(hub: HubDouble, tmp_path: Path) -> None:
    """What it would have said is not guessed."""
    with pytest.raises(SourceError, match=r"The card of 'user/data' \(README.md\) has a front matter that is not YAML"):
        layout(_repo(hub, tmp_path, "train.parquet", card="configs: [}"), None, "train")


def test_a_long_listing_is_read_to_its_end(hub: HubDouble, tmp_path: Path) -> None:
    """The Hub lists a thousand files at a time."""
    files = " ".join(f"data/train-{number:05}-of-02500.parquet" for number in range(2_500))

    assert [file.name for file in layout(_repo(hub, tmp_path, files), None, "train").files] == files.split()
