"""Plugins: what is installed, and the components it brings."""

from vecmill.plugins.manager import Plugins, load
from vecmill.plugins.problem import DISABLE, Problem
from vecmill.plugins.registry import KINDS, Registry

__all__ = ["DISABLE", "KINDS", "Plugins", "Problem", "Registry", "load"]
