"""Known items: are documents found by what they are called?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vecmill.quality.report import KnownItems
from vecmill.retrieval import embed_queries

if TYPE_CHECKING:
    import numpy.typing as npt

    from vecmill.quality.sample import Sample
    from vecmill.records import Manifest

QUERIES = 200
DEPTH = 10
WORDS = 12
SHOWN = 10


def known_items(sample: Sample, manifest: Manifest, **reader: Any) -> KnownItems | None:  # noqa: ANN401 - see embed_queries
    """Ask for documents of the sample by their title, and see where in it their chunks rank.

    Args:
        sample: Some rows.
        manifest: The dataset's.
        reader: What the reader says of the model, as ``embed_queries`` takes it.

    Returns:
        None for a sample without a document that can be asked for.

    Raises:
        VecmillError: The dataset's model cannot be run here.
    """
    by, asked = _questions(sample)
    if not asked:
        return None
    owners, questions = np.array(list(asked)), list(asked.values())
    vectors = embed_queries(manifest, questions, **reader)
    scores = vectors @ sample.vectors.T
    best = np.argsort(-scores, axis=1, kind="stable")[:, :DEPTH]
    ranks = _ranks(np.array(sample.ids)[best] == owners[:, None])
    return KnownItems(
        queries=len(questions),
        by=by,
        rows=len(sample.ids),
        hit_1=float((ranks == 1).mean()),
        hit_10=float((ranks > 0).mean()),
        mrr=float(np.where(ranks > 0, 1 / np.maximum(ranks, 1), 0).mean()),
        missed=[questions[i] for i in np.flatnonzero(ranks == 0)[:SHOWN]],
    )


def _questions(sample: Sample) -> tuple[str, dict[str, str]]:
    """Return what is asked for each of some documents, at equal distances."""
    titled = {id_: title for id_, title in zip(sample.ids, sample.titles, strict=True) if title and title.strip()}
    by, named = "title", titled
    if not titled:
        starts = zip(sample.ids, sample.texts, strict=True)
        by, named = "first words", {id_: " ".join(text.split()[:WORDS]) for id_, text in starts}
    names = list(named)
    chosen = np.unique(np.linspace(0, len(names) - 1, min(QUERIES, len(names))).astype(np.int64))
    return by, {names[i]: named[names[i]] for i in chosen.tolist()}


def _ranks(theirs: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return the rank of the first chunk that is the document's own, from 1; 0 where there is none."""
    return np.where(theirs.any(1), theirs.argmax(1) + 1, 0)
