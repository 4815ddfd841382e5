"""Problem: a plugin that is broken, and what can be done."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DISABLE = "VECMILL_DISABLE_PLUGINS"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a plugin was left out.

    Attributes:
        plugin: Its name.
        origin: Its distribution and version, or its module.
        error: What went wrong.
        module: The module that its entry point names.
    """

    plugin: str
    origin: str
    error: str
    module: str = ""

    @property
    def cure(self) -> str:
        """What to do."""
        return f"update the plugin, or set {DISABLE}={self.plugin}"

    def __str__(self) -> str:
        return f"plugin {self.plugin!r} ({self.origin}) is broken and was left out: {self.error}; {self.cure}"

    def explain(self, name: str) -> str:
        """Say in one sentence why a component of this plugin is not there."""
        has = "has it" if self.names(name) else "may have it"
        return (
            f"plugin {self.plugin!r} ({self.origin}), which {has}, could not be imported: {self.error}; install the "
            "plugin again, or update it"
        )

    def names(self, name: str) -> bool | None:
        """Whether the plugin's code holds a component's name as a string; None where there is no code to read."""
        texts = list(_read_code(self.module))
        if not texts:
            return None
        return any(f'"{name}"' in text or f"'{name}'" in text for text in texts)


def _read_code(module: str) -> Iterator[str]:
    """Yield the source text of a module's package; nothing is imported for it."""
    top, _, rest = module.partition(".")
    try:
        spec = importlib.util.find_spec(top) if top else None
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        return
    roots = [Path(root) for root in spec.submodule_search_locations or ()]
    if spec.origin is None and rest:  # of a namespace package, the part that is the plugin's
        roots = [root / rest.partition(".")[0] for root in roots]
    files = [path for root in roots for path in sorted(root.rglob("*.py"))]
    files += [path for path in (root.with_suffix(".py") for root in roots) if path.is_file()]
    if not roots and spec.origin:
        files = [Path(spec.origin)]
    for path in files:
        try:
            yield path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
