"""Turn a text corpus into a published embedding dataset."""

from vecmill.__about__ import __version__

__all__ = ["__version__"]
