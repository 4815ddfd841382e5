"""Fleet: an app's workers, and what is said where there are none."""

import pytest

from vecmill.errors import ConfigError
from vecmill_modal_runtime import fleet
from vecmill_modal_runtime.options import ModalOptions


def test_an_app_without_workers_is_told_how_to_have_them(monkeypatch):
    """In its container: on a laptop ``vecmill run`` makes an app."""
    monkeypatch.setattr(fleet, "_workers", [])
    with pytest.raises(ConfigError, match=r"this app has no workers: write `.*fleet.enlist\(app, options\)`"):
        fleet.worker()


@pytest.mark.parametrize("attempts", [1, 3, 11])
def test_modal_tries_a_shard_as_often_as_we_do(attempts):
    """So that a shard that always takes too long is paid for so many times, and no more."""
    assert fleet.retries(ModalOptions(attempts=attempts)).max_retries == attempts - 1
