"""Edition: a source at one revision, made into a dataset by one recipe. Another of either is another edition."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from vecmill.models import describe_model
from vecmill.models.reference import find_folder
from vecmill.plugins import load
from vecmill.plugins.build import build, options
from vecmill.records import ComponentSpec
from vecmill.sources.corpus import Corpus

if TYPE_CHECKING:
    from vecmill import Job
    from vecmill.plugins import Registry

COMMIT = re.compile(r"[0-9a-f]{40}")


class Edition(NamedTuple):
    """What decides whether there is anything to do.

    Attributes:
        name: The dataset's name, the same for all editions.
        source: The source with all that could move pinned: a branch is a commit.
        revision: The source's commit, or the fingerprint of its content.
        recipe: Hash of everything else that decides what comes out.
        sample: Whether it is only the beginning of the source.
    """

    name: str
    source: ComponentSpec
    revision: str
    recipe: str
    sample: bool

    @property
    def folder(self) -> str:
        """The name of its folder."""
        return f"{self.name}-{self.revision[:8]}-{self.recipe[:6]}"


def edition(name: str, job: Job) -> Edition:
    """Find out which edition a job would make now. Little is read for it, and nothing is downloaded from the Hub.

    Args:
        name: The dataset's name.
        job: What to do; its model should be pinned.

    Raises:
        VecmillError: The source is not there, or an option is wrong.
    """
    registry = load().registry
    source = Corpus(build(registry, "source", job.source)).pinned()
    pinned = source.config.model_dump(mode="json")
    revision = pinned.get("revision") or ""
    return Edition(
        name=name,
        source=ComponentSpec(name=job.source.name, options=pinned),
        revision=revision if COMMIT.fullmatch(revision) else Corpus(source).fingerprint(),
        recipe=_recipe(
            registry, job, {key: pinned[key] for key in pinned if key not in {"revision", *source.location}}
        ),
        sample=bool(pinned.get("limit")),
    )


def _recipe(registry: Registry, job: Job, source: dict[str, Any]) -> str:
    kinds = {"chunker": job.chunker, "batching": job.batching, "embedder": job.embedder}
    essence = {
        **{kind: _described(registry, kind, spec) for kind, spec in kinds.items()},
        "model": [job.embedder.options.get("model"), job.embedder.options.get("revision")],
        **_model_files(job.embedder.options.get("model")),
        "source": {"name": job.source.name, **source},
        "shards": job.shards.model_dump(),
        "truncate": job.truncate,
    }
    return hashlib.sha256(json.dumps(essence, sort_keys=True).encode()).hexdigest()


def _model_files(model: str | None) -> dict[str, dict[str, str]]:
    """Return what a model's folder holds beside its weights; of a model of the Hub its commit says all."""
    if not model or find_folder(model) is None:
        return {}
    return {"files": describe_model(model).files}


def _described(registry: Registry, kind: str, spec: ComponentSpec) -> dict[str, Any]:
    component = registry.get(kind, spec.name)
    chosen = options(component, kind, spec.options).model_dump(mode="json", exclude=set(component.location))
    return {"name": component.name, "version": component.version, **chosen}
