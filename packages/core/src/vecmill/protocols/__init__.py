"""The interfaces a plugin implements. Each one's docstring is a worked example."""

from vecmill.protocols.component import (
    INCIDENTAL,
    LOCATION,
    MACHINE,
    Batching,
    Chunker,
    Component,
    Embedder,
    Options,
    Resources,
    Source,
    Tokenizer,
    group_by_tokens,
)
from vecmill.protocols.driver import Launcher, Lease, Publisher, Runtime

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
]
