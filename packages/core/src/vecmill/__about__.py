"""The one version of every vecmill package."""

__version__ = "0.1.0"
