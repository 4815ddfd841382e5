"""What this package adds to vecmill."""

from __future__ import annotations
