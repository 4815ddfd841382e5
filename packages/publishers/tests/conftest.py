"""Fixtures for the publishers' tests: a dataset in several shards, and a Hub to publish it to."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

import pytest

from doubles.hub import HubDouble, User
from small_dataset import small_dataset, small_job
from vecmill_publishers.hub.publisher import HubPublisher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from vecmill import Dataset, Job

TOKEN = "hf_ThisIsASecretToken"  # noqa: S105 - of a Hub of our own
_sleep = time.sleep


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """A dataset, made once; not to be changed."""
    return small_dataset(tmp_path_factory.mktemp("made"), 40)


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Another dataset, as the next run makes one."""
    return small_dataset(tmp_path_factory.mktemp("other"), 24, "b")


@pytest.fixture(scope="session")
def third(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """One more."""
    return small_dataset(tmp_path_factory.mktemp("third"), 8, "c")


@pytest.fixture(scope="session")
def token() -> str:
    """The token of the user who publishes."""
    return TOKEN


@pytest.fixture
def dataset(made: Dataset, tmp_path: Path) -> Dataset:
    """A dataset of one's own, to be changed at will."""
    copy = tmp_path / "dataset"
    shutil.copytree(made.path, copy)
    return type(made)(copy, made.manifest)


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were asked for; none is made at length."""
    asked: list[float] = []

    def nap(seconds: float) -> None:
        asked.append(seconds)
        _sleep(min(seconds, 0.001))

    monkeypatch.setattr(time, "sleep", nap)
    return asked


@pytest.fixture(params=["lfs", "xet"])
def way(request: pytest.FixtureRequest) -> str:
    """How large files travel."""
    return request.param


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> Iterator[HubDouble]:
    """A Hub with a user, known to the client library in this process."""
    from huggingface_hub import constants

    with HubDouble(tmp_path / "hub") as double:
        double.users[TOKEN] = User("user", ("lab",))
        double.part_size = 5_000
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setenv("HF_ENDPOINT", double.url)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", way == "lfs")
        template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, double.url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "ENDPOINT", double.url)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
        yield double


@pytest.fixture
def publisher(hub: HubDouble) -> Callable[..., HubPublisher]:
    """Make the publisher; keywords are its options."""

    def build(repo: str = "user/name", **options: object) -> HubPublisher:
        return HubPublisher(HubPublisher.Config(repo=repo, **options))

    return build


@pytest.fixture(name="small_job")
def _small_job(tmp_path: Path) -> Job:
    """A job that ends in a folder and on the Hub."""
    places = [{"name": "parquet", "path": str(tmp_path / "out")}, {"name": "hub", "repo": "user/name"}]
    return small_job(tmp_path, 12, "job", places)


@pytest.fixture
def complete(hub: HubDouble) -> Callable[..., bool]:
    """Whether a reader of a branch sees this dataset, whole: by the repo's own card and manifest."""

    def check(dataset: Dataset, repo: str = "user/name", revision: str = "main") -> bool:
        import re

        files = hub.find("dataset", repo).files(revision)
        pattern, *_ = re.findall(r'path: "(.*)/train-\*\.parquet"', files["README.md"].path.read_text())
        seen = {path: blob.sha256 for path, blob in files.items() if path.startswith(f"{pattern}/train-")}
        wanted = {f"{pattern}/{entry.path.split('/')[-1]}": entry.sha256 for entry in dataset.manifest.shards}
        return seen == wanted

    return check
