"""Card: what the Hub asks of a dataset's front matter."""

from __future__ import annotations

import re
from typing import Any

import yaml

SIZES = ["n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B", "1B<n<10B"]
LICENSES = {"apache-2.0", "mit", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc0-1.0", "gfdl", "other", "unknown"}
TASKS = {"feature-extraction", "sentence-similarity", "text-retrieval"}
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]+)*|code|multilingual")


def front_matter(content: str) -> dict[str, Any] | None:
    """Return a README's front matter, if it has any."""
    found = re.match(r"---\n(.*?)\n---\n", content, flags=re.DOTALL)
    return yaml.safe_load(found[1]) if found else None


def card_data(content: str) -> dict[str, Any] | None:
    """Return the front matter that the Hub shows of a repo; one that is not YAML is not shown."""
    try:
        return front_matter(content)
    except yaml.YAMLError:
        return None


def problems(content: str) -> list[str]:
    """Return what is wrong with a README's front matter."""
    try:
        front = front_matter(content)
    except yaml.YAMLError as error:
        return [f"not YAML: {error}"]
    if not front:
        return ["there is no front matter"]
    return [*_words(front), *_configs(front.get("configs", [])), *_info(front.get("dataset_info", []))]


def _words(front: dict[str, Any]) -> list[str]:
    allowed = {
        "license": LICENSES.__contains__,
        "language": lambda word: bool(LANGUAGE.fullmatch(word)),
        "size_categories": SIZES.__contains__,
        "task_categories": TASKS.__contains__,
        "tags": lambda word: isinstance(word, str) and bool(word),
        "source_datasets": lambda word: isinstance(word, str) and bool(word),
    }
    wrong = [
        f"{key}: {word!r}" for key, allows in allowed.items() for word in _listed(front.get(key)) if not allows(word)
    ]
    return wrong + ([] if isinstance(front.get("pretty_name", ""), str) else ["pretty_name is not a string"])


def _configs(configs: Any) -> list[str]:
    names = [config.get("config_name") for config in configs]
    wrong = [] if len(names) == len(set(names)) and all(isinstance(n, str) for n in names) else ["configs: names"]
    for config in configs:
        files = config.get("data_files")
        if not isinstance(files, list) or any(set(item) != {"split", "path"} for item in files):
            wrong.append(f"configs: data_files of {config.get('config_name')}")
    return wrong


def _info(info: Any) -> list[str]:
    splits = [split for entry in _listed(info) for split in entry.get("splits", [])]
    return (
        ["dataset_info: splits"] if any({"name", "num_bytes", "num_examples"} - set(split) for split in splits) else []
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
