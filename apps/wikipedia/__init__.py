"""English Wikipedia, embedded on Modal: ``modal deploy -m apps.wikipedia``."""

from apps.wikipedia.app import Worker, app, check, download, embed, main, query, refresh

__all__ = ["Worker", "app", "check", "download", "embed", "main", "query", "refresh"]
