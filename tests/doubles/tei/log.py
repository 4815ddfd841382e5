"""Log: the lines that a router prints, of which some are relied on."""

from __future__ import annotations

import datetime as dt
import os


def say(message: str, level: str = "INFO") -> None:
    """Print a line as the router does."""
    now = dt.datetime.now(dt.UTC).isoformat().replace("+00:00", "Z")
    line = f"{now} {level:>5} text_embeddings_router: {message}"
    if not os.environ.get("NO_COLOR"):
        line = f"\x1b[2m{now}\x1b[0m \x1b[32m{level:>5}\x1b[0m \x1b[2mtext_embeddings_router:\x1b[0m {message}"
    print(line, flush=True)  # noqa: T201 - it is a log
