"""Front matter: what the card says to the Hub, as YAML."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from vecmill.sanitize import UNSAFE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from vecmill.records import Manifest, Output
    from vecmill.store.card import Location


_UNREADABLE = re.compile(f"[{UNSAFE}\ufeff\ufffe\uffff]")


_NO_TEXT = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""Words that YAML takes for something else, as keys too."""


def dump_yaml(value: dict[str, Any]) -> str:
    """Return a mapping of plain values as YAML."""
    return "".join(f"{line}\n" for line in _mapping(value))


def _mapping(value: dict[str, Any]) -> Iterator[str]:
    for key, item in value.items():
        name = json.dumps(key) if key in _NO_TEXT else key
        if isinstance(item, dict):
            yield f"{name}:"
            yield from (f"  {line}" for line in _mapping(item))
        elif isinstance(item, list) and item:
            yield f"{name}:"
            yield from _list(item)
        else:
            yield f"{name}: {_scalar(item)}"


def _list(value: list[Any]) -> Iterator[str]:
    for item in value:
        lines = _mapping(item) if isinstance(item, dict) else iter([_scalar(item)])
        yield f"- {next(lines)}"
        yield from (f"  {line}" for line in lines)


def _scalar(value: object) -> str:
    # JSON's escapes mean the same in YAML, but for characters outside the basic plane, which JSON cuts in two:
    # so only what YAML does not take as it is gets escaped.
    return _UNREADABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))


_RENAMED = {
    "double": "float64",
    "float": "float32",
    "halffloat": "float16",
    "date32[day]": "date32",
    "date64[ms]": "date64",
}
_SAME = re.compile(
    r"u?int(?:8|16|32|64)|bool|(?:large_)?(?:string|binary)|(?:timestamp|time32|time64|duration)\[.*\]|decimal\d+\(.*\)"
)
_LIST = re.compile(r"list<\w+: ([^<>]*?)(?: not null)?>")


def describe_features(columns: Mapping[str, str], outputs: Sequence[Output], variant: str = "") -> list[dict[str, Any]]:
    """Return what ``datasets`` would write itself, so that readers know the columns, and the width, without a file.

    Args:
        columns: Names and Arrow types; none if they are not known.
        outputs: What the model gives: the columns of vectors.
        variant: The kind of smaller vectors; empty for those of the run.

    Returns:
        Nothing, if a column has a type that cannot be described: readers then go by the Parquet files.
    """
    vectors = {output.name: output for output in outputs}
    found = [
        # A reader goes by the first key after the name: the list comes before its length.
        {"name": name, "list": variant or vectors[name].dtype, "length": vectors[name].dimension}
        if name in vectors
        else _feature(name, type_)
        for name, type_ in columns.items()
    ]
    if variant == "int8":
        found.append({"name": "scale", "dtype": "float32"})
    return [feature for feature in found if feature] if columns and all(found) else []


def _feature(name: str, type_: str) -> dict[str, Any] | None:
    if (inner := _LIST.fullmatch(type_)) and (dtype := _dtype(inner[1])):
        return {"name": name, "list": dtype}
    dtype = _dtype(type_)
    return {"name": name, "dtype": dtype} if dtype else None


def _dtype(type_: str) -> str | None:
    return _RENAMED.get(type_) or (type_ if _SAME.fullmatch(type_) else None)


SIZES = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B", "1B<n<10B")
DEFAULT = "default"
TASKS = ["feature-extraction", "sentence-similarity", "text-retrieval"]


def format_front_matter(manifest: Manifest, location: Location) -> str:
    """Return the front matter, fences included."""
    repo = manifest.source.options.get("repo")
    terms = location.terms(manifest.source.terms)
    stated: dict[str, Any] = {
        "pretty_name": format_title(manifest, location),
        "license": list(terms.license),
        "license_name": terms.license_name,
        "license_link": terms.license_link,
        "language": list(terms.language),
        "size_categories": [find_size_category(manifest.account.chunks)],
        "task_categories": TASKS,
        "source_datasets": [repo] if isinstance(repo, str) and repo else [],
        "tags": ["embeddings", "vecmill"],
        "configs": [describe_config(name, folder) for name, folder in list_folders(location).items()],
        "dataset_info": [_info(manifest, name, size) for name, size in _sizes(manifest, location).items()],
    }
    return f"---\n{dump_yaml({key: value for key, value in stated.items() if value})}---\n"


def format_title(manifest: Manifest, location: Location) -> str:
    """Return the dataset's name for people: the one it was given, or what it is made of, and with which model."""
    text = manifest.source.options.get("repo") or location.repo.rpartition("/")[2] or manifest.source.name
    return location.pretty_name or f"{text} embedded with {model_name(manifest)}"


def model_name(manifest: Manifest) -> str:
    """Return the last part of the model's name: what follows the last slash of a Hub id, or of a folder."""
    return manifest.model.id.removeprefix("package:").removesuffix("/model").rsplit("/", 1)[-1] or manifest.model.id


def list_folders(location: Location) -> dict[str, str]:
    """Return the folder of each configuration."""
    return {DEFAULT: location.folder, **{name: f"{location.folder}/{name}" for name in location.variants}}


def describe_config(name: str, folder: str) -> dict[str, Any]:
    """Describe a configuration."""
    return {"config_name": name, "data_files": [{"split": "train", "path": f"{folder}/train-*.parquet"}]}


def find_size_category(rows: int) -> str:
    """Return the Hub's name for a number of rows."""
    return SIZES[min(max(0, len(str(rows)) - 3), len(SIZES) - 1)]


def _info(manifest: Manifest, name: str, size: int) -> dict[str, Any]:
    """Tell readers what columns there are, and how many rows there must be; ``datasets`` refuses to load fewer."""
    variant = "" if name == DEFAULT else name
    described = describe_features(manifest.columns, manifest.model.outputs, variant)
    split = {"name": "train", "num_bytes": size, "num_examples": manifest.account.chunks}
    return {
        "config_name": name,
        **({"features": described} if described else {}),
        "splits": [split],
        "download_size": size,
        "dataset_size": size,
    }


def _sizes(manifest: Manifest, location: Location) -> dict[str, int]:
    """Return the bytes of each configuration."""
    return {DEFAULT: sum(entry.bytes for entry in manifest.shards), **location.variants}
