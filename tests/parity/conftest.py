"""Parity with sentence-transformers, which needs an environment of its own: ``hatch run parity:test``."""

from __future__ import annotations

import importlib.util

collect_ignore_glob = [] if importlib.util.find_spec("sentence_transformers") else ["test_*.py"]
