"""Query: embedded as the dataset's model wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from vecmill.errors import ModelError
from vecmill.job.places import SOMEWHERE
from vecmill.plugins import load
from vecmill.plugins.build import build
from vecmill.records import ComponentSpec
from vecmill.worker.engine import asked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from vecmill.protocols import Embedder
    from vecmill.records import Manifest


class QueryEmbedder:
    """A dataset's own model, loaded, for questions to any index of its vectors.

    Use it as a context manager, or call ``close``. Calls may come from many threads.

    Args:
        manifest: The dataset's.
        model: Where the dataset's model is on this machine, if the manifest does not tell: a folder.

    Raises:
        ModelError: The model is not to be had here, or what is in its place is another.
    """

    def __init__(self, manifest: Manifest, *, model: str | None = None) -> None:
        self._prompt = manifest.model.query_prompt
        self._embedder = _built(manifest, model)
        with asked(self._embedder, "open()"):
            self._embedder.open()

    def embed(self, queries: Sequence[str]) -> npt.NDArray[np.float32]:
        """Embed questions in plain words, with the model's prompt for queries; shape ``(queries, dimension)``."""
        with asked(self._embedder, f"embed() of {len(queries)} queries"):
            return self._embedder.embed([self._prompt + query for query in queries])

    def close(self) -> None:
        """Free the model."""
        self._embedder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def embed_query(manifest: Manifest, query: str, *, model: str | None = None) -> npt.NDArray[np.float32]:
    """Embed a query as the dataset's model wants it, with its prompt for queries.

    The model is loaded for each call: ``embed_queries`` takes several at once, a ``QueryEmbedder`` one after another.

    Args:
        manifest: The dataset's.
        query: A question in plain words.
        model: Where the dataset's model is on this machine, if the manifest does not tell: a folder.

    Returns:
        Shape ``(dimension,)``, float32.

    Raises:
        ModelError: The model is not to be had here, or ``model`` is another.
    """
    vector: npt.NDArray[np.float32] = embed_queries(manifest, [query], model=model)[0]
    return vector


def embed_queries(manifest: Manifest, queries: Sequence[str], *, model: str | None = None) -> npt.NDArray[np.float32]:
    """Embed queries as ``embed_query`` does, with the model loaded once; shape ``(queries, dimension)``."""
    with QueryEmbedder(manifest, model=model) as embedder:
        return embedder.embed(queries)


def _built(manifest: Manifest, model: str | None) -> Embedder[Any]:
    """Make the dataset's embedder, with the options that fit this machine."""
    recipe, registry = manifest.recipe["embedder"], load().registry
    component, places = registry.get("embedder", recipe["name"]), manifest.places
    left_out = {"name", "version", *component.machine}
    known = recipe | places.embedder | ({} if model is None else {"model": model})
    options = {key: value for key, value in known.items() if key not in left_out}
    _check_places(options, component.location, places.fault if model is None else "")
    embedder: Embedder[Any] = build(registry, "embedder", ComponentSpec(name=recipe["name"], options=options))
    return embedder


def _check_places(options: Mapping[str, Any], location: frozenset[str], fault: str) -> None:
    """Refuse to open an embedder of which the recipe leaves out a place that is not known here."""
    why = fault or "nothing here says where that is"
    for key, value in options.items():
        if str(value).startswith(SOMEWHERE) or (fault and key in location and value is None):
            if key == "model":
                raise ModelError(
                    f"the dataset was made with a model in a folder, {value!r}, and {why}: "
                    "name it with --model DIR, or in Python with model=DIR, or run its job again"
                )
            raise ModelError(
                f"the dataset's embedder.{key} is known to the machine that made it, and {why}: run its job again"
            )
