"""For plugin authors: checks that a component keeps its protocol, and small stand-ins to run a job with.

    def test_my_chunker():
        check_chunker(Sentences)

The stand-ins are real components, registered under the names ``hash`` and ``inline`` by ``install``; they need no
model and no process of their own.
"""

from vecmill.testing.checks import check_chunker, check_delivery, check_embedder, check_publisher, check_source
from vecmill.testing.plugin import AWKWARD_TEXTS, HashEmbedder, InlineRuntime, WordTokenizer, install

__all__ = [
    "AWKWARD_TEXTS",
    "HashEmbedder",
    "InlineRuntime",
    "WordTokenizer",
    "check_chunker",
    "check_delivery",
    "check_embedder",
    "check_publisher",
    "check_source",
    "install",
]
