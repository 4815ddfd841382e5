"""Fleet: the worker class of the app that this container belongs to."""

from __future__ import annotations

from typing import Any

from vecmill.errors import ConfigError

_workers: list[Any] = []


def enlist(worker: Any) -> Any:  # noqa: ANN401 - Modal's decorated classes have no type of their own
    """Make a decorated worker class the one that the ``modal`` runtime of this process gives shards to."""
    _workers[:] = [worker]
    return worker


def worker() -> Any:  # noqa: ANN401 - (the same)
    """Return the worker class.

    Raises:
        ConfigError: No app has enlisted one.
    """
    if not _workers:
        raise ConfigError(
            "runtime.name = 'modal' works inside a Modal app, where the driver has the Volume: "
            "start it with `modal run -m apps.wikipedia`, or take runtime.name = 'local' on this machine"
        )
    return _workers[0]
