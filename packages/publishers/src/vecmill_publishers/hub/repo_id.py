"""Repo id: where on the Hub a dataset is."""

from __future__ import annotations

from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

from vecmill.errors import ConfigError


def valid(repo: str) -> str:
    """Return a repo id that can be one.

    Raises:
        ConfigError: It cannot.
    """
    try:
        validate_repo_id(repo)
    except HFValidationError as error:
        raise ConfigError(f"publisher.repo: {error}") from None
    if repo.count("/") != 1:
        raise ConfigError(f'publisher.repo: needs "user/name" or "organisation/name"; found {repo!r}')
    return repo
