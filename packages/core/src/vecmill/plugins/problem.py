"""Problem: a plugin that is broken, and what can be done."""

from __future__ import annotations

from dataclasses import dataclass

DISABLE = "VECMILL_DISABLE_PLUGINS"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a plugin was left out.

    Attributes:
        plugin: Its name.
        origin: Its distribution and version, or its module.
        error: What went wrong.
    """

    plugin: str
    origin: str
    error: str

    @property
    def cure(self) -> str:
        """What to do."""
        return f"update the plugin, or set {DISABLE}={self.plugin}"

    def __str__(self) -> str:
        return f"plugin {self.plugin!r} ({self.origin}) is broken and was left out: {self.error}; {self.cure}"
