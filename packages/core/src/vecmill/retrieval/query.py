"""Query: embedded as the dataset's model wants it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from vecmill.errors import ModelError
from vecmill.job.places import SOMEWHERE
from vecmill.plugins import load
from vecmill.plugins.build import build
from vecmill.records import ComponentSpec, Places

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import numpy.typing as npt

    from vecmill.protocols import Embedder
    from vecmill.records import Manifest


def embed_query(manifest: Manifest, query: str) -> npt.NDArray[np.float32]:
    """Embed a query as the dataset's model wants it, with its prompt for queries.

    The model is loaded for each call: ``embed_queries`` takes several at once, a ``Searcher`` one after another.

    Args:
        manifest: The dataset's.
        query: A question in plain words.

    Returns:
        Shape ``(dimension,)``, float32.

    Raises:
        ModelError: The model is not to be had here.
    """
    vector: npt.NDArray[np.float32] = embed_queries(manifest, [query])[0]
    return vector


def embed_queries(manifest: Manifest, queries: Sequence[str]) -> npt.NDArray[np.float32]:
    """Embed queries as ``embed_query`` does, with the model loaded once; shape ``(queries, dimension)``."""
    with opened(manifest) as embedder:
        return embedded(embedder, manifest, queries)


@contextmanager
def opened(manifest: Manifest) -> Iterator[Embedder[Any]]:
    """Open the dataset's own model, with the options that fit this machine.

    Raises:
        ModelError: It is not to be had here, or what is in its place is another.
    """
    recipe, registry = manifest.recipe["embedder"], load().registry
    left_out = {"name", "version", *registry.get("embedder", recipe["name"]).machine}
    known = recipe | manifest.places.embedder
    _check_place(str(known.get("model")))
    options = {key: value for key, value in known.items() if key not in left_out}
    embedder: Any = build(registry, "embedder", ComponentSpec(name=recipe["name"], options=options))
    embedder.open()
    try:
        yield embedder
    finally:
        embedder.close()


def with_model(manifest: Manifest, model: str | None) -> Manifest:
    """Return the manifest of a dataset whose model is to be looked for in this folder, if one is given."""
    if model is None:
        return manifest
    places = Places(run_id=manifest.run_id, embedder=manifest.places.embedder | {"model": model})
    return manifest.model_copy(update={"places": places})


def _check_place(model: str) -> None:
    if model.startswith(SOMEWHERE):
        raise ModelError(
            f"the dataset was made with a model in a folder, {model!r}, and nothing here says where that is: "
            "name it with --model DIR, or in Python with model=DIR"
        )


def embedded(embedder: Embedder[Any], manifest: Manifest, queries: Sequence[str]) -> npt.NDArray[np.float32]:
    """Embed queries with a model that is open."""
    return embedder.embed([manifest.model.query_prompt + query for query in queries])
