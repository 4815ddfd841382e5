"""Log: the lines that a router prints, of which some are relied on."""

from __future__ import annotations

import datetime as dt


def say(message: str, level: str = "INFO") -> None:
    """Print a line as the router does."""
    now = dt.datetime.now(dt.UTC).isoformat().replace("+00:00", "Z")
    print(f"{now} {level:>5} text_embeddings_router: {message}", flush=True)  # noqa: T201 - it is a log
