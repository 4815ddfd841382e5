"""Query: embedded as the dataset's model wants it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Self

from vecmill.errors import ModelError
from vecmill.models.reference import without_token
from vecmill.plugins import load
from vecmill.plugins.registry import build
from vecmill.records import ComponentSpec
from vecmill.retrieval.choice import Choice, Reader, choose_embedder
from vecmill.worker.embedding import name_embedder_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from vecmill.protocols import Embedder
    from vecmill.records import Manifest, ModelInfo


class QueryEmbedder:
    """A dataset's own model, loaded, for questions to any index of its vectors.

    A manifest from elsewhere decides nothing: the model, and the address if the embedder has one, come from a run that
    this user made on this machine, from ``model`` and ``embedder``, or from a yes of ``confirm``.

    Use it as a context manager, or call ``close``. Calls may come from many threads.

    Args:
        manifest: The dataset's.
        model: The dataset's model: a Hub id, or where it is on this machine.
        embedder: The embedder's name, such as ``"openvino"``, or its options, such as ``{"url": "http://…"}``.
        confirm: Given a question, whether to use what nobody but the manifest names; without it, that is refused.

    Raises:
        ModelError: The model is not to be had here, is another, or is named by nobody but the manifest.
    """

    def __init__(
        self,
        manifest: Manifest,
        *,
        model: str | None = None,
        embedder: str | Mapping[str, Any] | None = None,
        confirm: Callable[[str], bool] | None = None,
    ) -> None:
        self._prompt = manifest.model.query_prompt
        self._embedder = open_embedder(manifest, model=model, embedder=embedder, confirm=confirm)

    def embed(self, queries: Sequence[str]) -> npt.NDArray[np.float32]:
        """Embed questions in plain words, with the model's prompt for queries; shape ``(queries, dimension)``."""
        with name_embedder_errors(self._embedder, f"embed() of {len(queries)} queries"):
            return self._embedder.embed([self._prompt + query for query in queries])

    def close(self) -> None:
        """Free the model."""
        self._embedder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_embedder(
    manifest: Manifest,
    *,
    model: str | None = None,
    embedder: str | Mapping[str, Any] | None = None,
    confirm: Callable[[str], bool] | None = None,
) -> Embedder[Any]:
    """Open the embedder of a dataset, which the caller closes; arguments and errors are those of ``QueryEmbedder``."""
    choice = choose_embedder(manifest, load().registry, Reader(model, embedder, confirm))
    with without_token() if choice.anonymous else contextlib.nullcontext():
        return _open(choice, manifest.model)


def embed_query(
    manifest: Manifest,
    query: str,
    *,
    model: str | None = None,
    embedder: str | Mapping[str, Any] | None = None,
    confirm: Callable[[str], bool] | None = None,
) -> npt.NDArray[np.float32]:
    """Embed a query as the dataset's model wants it, with its prompt for queries.

    The model is loaded for each call: ``embed_queries`` takes several at once, a ``QueryEmbedder`` one after another.

    Args:
        manifest: The dataset's.
        query: A question in plain words.
        model: The dataset's model, as in ``QueryEmbedder``.
        embedder: Its embedder, in the same way.
        confirm: Asked about what nobody but the manifest names.

    Returns:
        Shape ``(dimension,)``, float32.

    Raises:
        ModelError: As ``QueryEmbedder``.
    """
    vectors = embed_queries(manifest, [query], model=model, embedder=embedder, confirm=confirm)
    vector: npt.NDArray[np.float32] = vectors[0]
    return vector


def embed_queries(
    manifest: Manifest,
    queries: Sequence[str],
    *,
    model: str | None = None,
    embedder: str | Mapping[str, Any] | None = None,
    confirm: Callable[[str], bool] | None = None,
) -> npt.NDArray[np.float32]:
    """Embed queries as ``embed_query`` does, with the model loaded once; shape ``(queries, dimension)``."""
    with QueryEmbedder(manifest, model=model, embedder=embedder, confirm=confirm) as opened:
        return opened.embed(queries)


def _open(choice: Choice, wanted: ModelInfo) -> Embedder[Any]:
    """Open an embedder, if it is of the model that made the dataset."""
    spec = ComponentSpec(name=choice.name, options=choice.options)
    embedder: Embedder[Any] = build(load().registry, "embedder", spec)
    with name_embedder_errors(embedder, "model()"):
        found = embedder.model()
    _refuse_another(found, wanted)
    with name_embedder_errors(embedder, "open()"):
        embedder.open()
    return embedder


def _refuse_another(found: ModelInfo, wanted: ModelInfo) -> None:
    """Refuse a model that is not the one that made a dataset; of its files those count that both name."""
    compared = [
        ("its dimension", found.dimension, wanted.dimension),
        ("its revision", found.revision, wanted.revision),
        *((f"the sha256 of its {name}", digest, wanted.files.get(name)) for name, digest in found.files.items()),
    ]
    for what, here, there in compared:
        if here != there and there is not None:
            raise ModelError(
                f"the model {found.id!r} is not the one that made the dataset: {what} is {here}, and that of the "
                f"dataset's is {there}. Name the right one with --model, or in Python with model=…"
            )
