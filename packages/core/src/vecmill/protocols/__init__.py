"""The interfaces a plugin implements. Each one's docstring is a worked example."""

from vecmill.protocols.batching import Batching
from vecmill.protocols.chunker import Chunker
from vecmill.protocols.component import INCIDENTAL, LOCATION, MACHINE, Component, Options, later
from vecmill.protocols.embedder import Embedder, Resources, group_by_tokens
from vecmill.protocols.publisher import Publisher
from vecmill.protocols.runtime import Launcher, Lease, Runtime
from vecmill.protocols.source import Source
from vecmill.protocols.tokenizer import Tokenizer

__all__ = [
    "INCIDENTAL",
    "LOCATION",
    "MACHINE",
    "Batching",
    "Chunker",
    "Component",
    "Embedder",
    "Launcher",
    "Lease",
    "Options",
    "Publisher",
    "Resources",
    "Runtime",
    "Source",
    "Tokenizer",
    "group_by_tokens",
    "later",
]
