"""English Wikipedia, embedded on Modal: ``modal deploy -m apps.wikipedia``."""

from apps.wikipedia.app import app, main
from apps.wikipedia.commands import check, query, refresh, status

__all__ = ["app", "check", "main", "query", "refresh", "status"]
