"""The command line. Each command's module is imported only when the command is used."""

from __future__ import annotations

from vecmill.cli.main import main

__all__ = ["main"]
