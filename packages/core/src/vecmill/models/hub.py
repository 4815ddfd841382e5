"""The Hub's side of a model: a repository at a commit becomes a folder in the Hub's own cache."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from vecmill.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_REF = re.compile(r"(?![/-])(?!.*(?:\.\.|//|@\{))[^\x00-\x20\x7f~^:?*\[\\]{1,255}(?<![/.])")
"""What git takes for the name of a branch or a tag. A client may make a path of it, so no other is handed on."""


def fetch(repo: str, revision: str | None, patterns: Sequence[str]) -> Path:
    """Download the files of a model that match ``patterns``, or find them in the cache.

    A revision is resolved to a commit first, and every file is of that commit. What the cache holds is not
    asked for again, so a commit that was downloaded before works offline; so does a branch, at the commit
    it had then, if the Hub cannot be reached.

    Args:
        repo: ``user/name``.
        revision: A branch, tag or commit; by default the main branch.
        patterns: Shell patterns of paths in the repository.

    Returns:
        The folder of the snapshot, named after the commit sha.

    Raises:
        ModelError: No such model or revision, no access, or no connection.
    """
    from huggingface_hub import snapshot_download

    if revision is not None and not _REF.fullmatch(revision):
        raise ModelError(f"the model {repo!r} has no revision {revision!r}: name a branch, a tag or a commit")
    with _translated(repo, revision):
        return Path(snapshot_download(repo, revision=revision, allow_patterns=list(patterns)))


class _Anonymity:
    """How many blocks of this process ask the Hub without a token, and what was set before the first of them."""

    lock = threading.Lock()
    blocks = 0
    before = False


@contextmanager
def without_token() -> Iterator[None]:
    """Have the Hub asked without the user's token, by vecmill and by any library of this process, while this lasts.

    For models that the user has not named: a stranger's choice is fetched as anyone could fetch it. Blocks of several
    threads may overlap: the token comes back when the last of them ends.
    """
    from huggingface_hub import constants

    with _Anonymity.lock:
        if not _Anonymity.blocks:
            _Anonymity.before = constants.HF_HUB_DISABLE_IMPLICIT_TOKEN
        _Anonymity.blocks += 1
        constants.HF_HUB_DISABLE_IMPLICIT_TOKEN = True
    try:
        yield
    finally:
        with _Anonymity.lock:
            _Anonymity.blocks -= 1
            if not _Anonymity.blocks:
                constants.HF_HUB_DISABLE_IMPLICIT_TOKEN = _Anonymity.before


def describe_unusable_home(error: BaseException) -> str:
    """Return what is wrong with the folder of the Hub's client, and what to do; empty for any other error.

    The client keeps its login and its cache in one folder, by default in the user's home.
    """
    if not isinstance(error, OSError) or error.filename is None:  # errors of requests are OSErrors without a file
        return ""
    return f"the folder of the Hub's client cannot be used ({error}): set HF_HOME to a folder of yours that has room"


@contextmanager
def _translated(repo: str, revision: str | None) -> Iterator[None]:
    """Make the Hub client's errors one ModelError that says what to do."""
    from huggingface_hub import errors

    login = "log in with `hf auth login` or set HF_TOKEN"
    try:
        yield
    except errors.GatedRepoError as error:
        raise ModelError(f"The model {repo!r} is gated: accept its terms on its page, then {login}.") from error
    except (errors.RepositoryNotFoundError, errors.HFValidationError) as error:
        raise ModelError(
            f"There is no model {repo!r}: no folder of that name here, and none on the Hub that you may read. "
            f"Check the name; if it is private, {login}."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise ModelError(f"The model {repo!r} has no revision {revision!r}. Name a branch, tag or commit.") from error
    except errors.LocalEntryNotFoundError as error:
        at = f" at revision {revision!r}" if revision else ""
        raise ModelError(
            f"The Hub cannot be reached, and {repo!r}{at} is not wholly in the cache. Connect (or unset "
            "HF_HUB_OFFLINE) and run again, or name a folder that holds the model."
        ) from error
    except Exception as error:  # the HTTP library's own errors: which library that is depends on the client's version
        if problem := describe_unusable_home(error):
            raise ModelError(f"The model {repo!r} could not be downloaded: {problem}.") from error
        why = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ModelError(f"The model {repo!r} could not be downloaded: {why}. Run again.") from error
