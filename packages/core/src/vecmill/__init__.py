"""Turn a text corpus into a published embedding dataset.

Make one, look at it, publish it::

    import vecmill

    job = vecmill.Job.load("job.toml")     # or vecmill.Job(source={...}, embedder={...}, ...)
    dataset = vecmill.run(job)             # a Dataset: its path, manifest and account
    print(vecmill.verify(dataset.path).faults)
    for passage in vecmill.search(dataset.path, "a question"):
        print(passage.score, passage.title, passage.text)
    vecmill.publish(dataset.path, to="hub", options={"repo": "user/name"})

``estimate(job)`` says what a job will come to; ``Searcher`` is a dataset opened for many searches; ``embed_query`` and
``embed_queries`` embed questions for a vector database, and a ``QueryEmbedder`` keeps the model loaded in between;
``open_dataset`` reads the manifest of a folder.

A plugin is a class derived from ``Source``, ``Chunker``, ``Embedder``, ``Runtime``, ``Launcher`` or ``Publisher``, its
options in an ``Options`` (marked ``LOCATION``, ``INCIDENTAL`` or ``MACHINE`` where they mean that), registered by a
function that is marked with ``hookimpl``. A runtime gives tasks to a ``Worker`` on each machine; a launcher takes a
job to other machines. Plugins deal in ``Document``, ``Span``, ``Partition``, ``Manifest``, ``Account``, ``ModelInfo``
and ``Tokenizer``; ``Batching`` is how chunks go to the engine.
``vecmill.testing`` has checks for them, ``vecmill.errors`` what they raise, ``vecmill.records`` what happens in a run,
``vecmill.runtimes`` what runtimes and launchers are built with.

``help(vecmill.run)``, ``help(vecmill.Chunker)`` and so on say more.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from vecmill.__about__ import __version__

if TYPE_CHECKING:
    from vecmill.hookspecs import hookimpl
    from vecmill.job.config import Job
    from vecmill.job.estimate import estimate
    from vecmill.job.publish import publish
    from vecmill.job.runner import run
    from vecmill.protocols import (
        INCIDENTAL,
        LOCATION,
        MACHINE,
        Batching,
        Chunker,
        Embedder,
        Launcher,
        Options,
        Publisher,
        Runtime,
        Source,
        Tokenizer,
    )
    from vecmill.quality.proof import verify
    from vecmill.records import Account, Dataset, Document, Manifest, ModelInfo, Partition, Span
    from vecmill.retrieval import QueryEmbedder, Searcher, embed_queries, embed_query, search
    from vecmill.store.files import open_dataset
    from vecmill.worker import Worker

_HOMES = {
    "vecmill.hookspecs": ("hookimpl",),
    "vecmill.job.config": ("Job",),
    "vecmill.job.publish": ("publish",),
    "vecmill.job.estimate": ("estimate",),
    "vecmill.job.runner": ("run",),
    "vecmill.protocols": (
        "INCIDENTAL",
        "LOCATION",
        "MACHINE",
        "Batching",
        "Chunker",
        "Embedder",
        "Launcher",
        "Options",
        "Publisher",
        "Runtime",
        "Source",
        "Tokenizer",
    ),
    "vecmill.records": ("Account", "Dataset", "Document", "Manifest", "ModelInfo", "Partition", "Span"),
    "vecmill.quality.proof": ("verify",),
    "vecmill.retrieval": ("QueryEmbedder", "Searcher", "embed_queries", "embed_query", "search"),
    "vecmill.store.files": ("open_dataset",),
    "vecmill.worker": ("Worker",),
}

__all__ = [  # noqa: RUF022 - in the order of dir()
    "Account",
    "Batching",
    "Chunker",
    "Dataset",
    "Document",
    "Embedder",
    "INCIDENTAL",
    "Job",
    "LOCATION",
    "Launcher",
    "MACHINE",
    "Manifest",
    "ModelInfo",
    "Options",
    "Partition",
    "Publisher",
    "QueryEmbedder",
    "Runtime",
    "Searcher",
    "Source",
    "Span",
    "Tokenizer",
    "Worker",
    "__version__",
    "embed_queries",
    "embed_query",
    "estimate",
    "hookimpl",
    "open_dataset",
    "publish",
    "run",
    "search",
    "verify",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - each name has its own type, stated above for type checkers
    """Import a public name when it is first used, so that ``import vecmill`` costs nothing."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names, imported or not, and nothing else, for completion at a prompt."""
    return list(__all__)
