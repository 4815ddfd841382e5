"""Front: the card's front matter, which the Hub and ``datasets`` read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vecmill.store.card.features import features
from vecmill.store.card.yaml import dump

if TYPE_CHECKING:
    from vecmill.records import Manifest
    from vecmill.store.card.place import Place

SIZES = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B", "1B<n<10B")
DEFAULT = "default"
TASKS = ["feature-extraction", "sentence-similarity", "text-retrieval"]


def front(manifest: Manifest, place: Place) -> str:
    """Return the front matter, fences included."""
    repo = manifest.source.options.get("repo")
    terms = place.terms(manifest.source.terms)
    told: dict[str, Any] = {
        "pretty_name": title(manifest, place),
        "license": list(terms.license),
        "license_name": terms.license_name,
        "license_link": terms.license_link,
        "language": list(terms.language),
        "size_categories": [size_category(manifest.account.chunks)],
        "task_categories": TASKS,
        "source_datasets": [repo] if isinstance(repo, str) and repo else [],
        "tags": ["embeddings", "vecmill"],
        "configs": [config(name, folder) for name, folder in folders(place).items()],
        "dataset_info": [_info(manifest, name, size) for name, size in _sizes(manifest, place).items()],
    }
    return f"---\n{dump({key: value for key, value in told.items() if value})}---\n"


def title(manifest: Manifest, place: Place) -> str:
    """Return the dataset's name for people: the one it was given, or what it is made of, and with which model."""
    text = manifest.source.options.get("repo") or place.repo.rpartition("/")[2] or manifest.source.name
    return place.pretty_name or f"{text} embedded with {model_name(manifest)}"


def model_name(manifest: Manifest) -> str:
    """Return the model's name without its place: what follows the last slash of a Hub id, or of a folder."""
    return manifest.model.id.removeprefix("package:").removesuffix("/model").rsplit("/", 1)[-1] or manifest.model.id


def folders(place: Place) -> dict[str, str]:
    """Return the folder of each configuration."""
    return {DEFAULT: place.folder, **{name: f"{place.folder}/{name}" for name in place.variants}}


def config(name: str, folder: str) -> dict[str, Any]:
    """Describe a configuration."""
    return {"config_name": name, "data_files": [{"split": "train", "path": f"{folder}/train-*.parquet"}]}


def size_category(rows: int) -> str:
    """Return the Hub's name for a number of rows."""
    return SIZES[min(max(0, len(str(rows)) - 3), len(SIZES) - 1)]


def _info(manifest: Manifest, name: str, size: int) -> dict[str, Any]:
    """Tell readers what columns there are, and how many rows there must be; ``datasets`` refuses to load fewer."""
    variant = "" if name == DEFAULT else name
    described = features(manifest.columns, manifest.model.dimension, variant)
    split = {"name": "train", "num_bytes": size, "num_examples": manifest.account.chunks}
    return {
        "config_name": name,
        **({"features": described} if described else {}),
        "splits": [split],
        "download_size": size,
        "dataset_size": size,
    }


def _sizes(manifest: Manifest, place: Place) -> dict[str, int]:
    """Return the bytes of each configuration."""
    return {DEFAULT: sum(entry.bytes for entry in manifest.shards), **place.variants}
