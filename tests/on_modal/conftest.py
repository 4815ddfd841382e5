"""Fixtures for what runs on Modal: one control plane and one deployed app for all tests here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from cloud import Cloud
from doubles.encoders import write_encoder
from doubles.hub import HubDouble
from doubles.modal import Plane, available

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    from cloud import Made

HERE = "tests/on_modal/"
KINDS = ("T4", "L4")
"""For which only the image with several routers will do."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run none of it where there can be no containers."""
    absent = pytest.mark.skipif(not available(), reason="containers need mount namespaces (root on Linux)")
    for item in items:
        if HERE in item.nodeid:
            item.add_marker(absent)


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubDouble]:
    """A Hub with a small model, ``user/tiny``."""
    folder = tmp_path_factory.mktemp("tiny")
    write_encoder(folder, "bert")
    with HubDouble(tmp_path_factory.mktemp("hub")) as hub:
        hub.add("model", "user/tiny", folder)
        yield hub


@pytest.fixture(scope="session")
def cloud(hub: HubDouble, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The Wikipedia app, deployed for two kinds of GPU; containers begin with Volumes that are a commit behind."""
    with Plane(idle_seconds=60) as plane:
        cloud = Cloud(plane, tmp_path_factory.mktemp("cloud"), documents=23, target_mb=0.06)
        plane.containers.given |= {"HF_ENDPOINT": hub.url, "HF_HUB_DISABLE_XET": "1"}
        cloud.upload()
        cloud.modal(
            "deploy", "-m", "apps.wikipedia", changes=("runtime.max_containers=2", f"runtime.gpu={json.dumps(KINDS)}")
        )
        plane.volumes.behind = True
        yield cloud


@pytest.fixture(scope="session")
def made(cloud: Cloud) -> Made:
    """The dataset that the deployed job makes."""
    return cloud.embed()


@pytest.fixture(scope="session")
def same() -> Callable[[pa.Table, pa.Table], bool]:
    """Compare datasets: the same rows in the same order, vectors to a cosine of 0.9999."""

    def compare(left: pa.Table, right: pa.Table) -> bool:
        columns = [name for name in right.column_names if name != "embedding"]
        vectors = [np.stack(table["embedding"].to_numpy()) for table in (left, right)]
        rows = left.select(columns).equals(right.select(columns))
        return rows and bool(np.einsum("ij,ij->i", *vectors).min() >= 0.9999)

    return compare
