"""Plugins: what is installed, and the components it brings."""

from vecmill.plugins.manager import DISABLE, Plugins, Problem, load
from vecmill.plugins.registry import KINDS, Registry

__all__ = ["DISABLE", "KINDS", "Plugins", "Problem", "Registry", "load"]
