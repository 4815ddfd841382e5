"""Plugins: what is installed, and the components it brings."""

from vecmill.plugins.manager import Plugins, load
from vecmill.plugins.registry import KINDS, Registry

__all__ = ["KINDS", "Plugins", "Registry", "load"]
