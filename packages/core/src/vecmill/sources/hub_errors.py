"""reading: what goes wrong on the way to the Hub, as one error of ours."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from huggingface_hub import errors

from vecmill.errors import ConfigError, SourceError
from vecmill.models.hub import describe_unusable_home

if TYPE_CHECKING:
    from collections.abc import Iterator

# The client's HTTP library, httpx or httpx2, by its common error: the two versions share no name.
HTTP_ERROR = cast(type[Exception], errors.HfHubHTTPError.__bases__[0])
LOGIN = "log in with `hf auth login` or set HF_TOKEN"


@contextmanager
def reading(repo: str, revision: str | None) -> Iterator[None]:
    """Turn the Hub client's errors into ours, while a dataset is read."""
    at = f" at revision {revision!r}" if revision else ""
    try:
        yield
    except errors.GatedRepoError as error:
        told = f"The dataset {repo!r} is gated: accept its terms on its page, then {LOGIN} with that account."
        raise ConfigError(told) from error
    except (errors.RepositoryNotFoundError, errors.HFValidationError, errors.HfUriError) as error:
        told = f"There is no dataset {repo!r} on the Hub, or it is private. Check the name; if it is private, {LOGIN}."
        raise ConfigError(told) from error
    except errors.RevisionNotFoundError as error:
        raise ConfigError(
            f"The dataset {repo!r} has no revision {revision!r}. Name a branch, tag or commit."
        ) from error
    except errors.OfflineModeIsEnabled as error:
        told = f"The dataset {repo!r} cannot be read: HF_HUB_OFFLINE is set. Unset it, or use another source."
        raise SourceError(told) from error
    except (HTTP_ERROR, OSError, errors.EntryNotFoundError) as error:
        problem = describe_unusable_home(error) or f"{_first_line(error)}. Check the network and run again"
        raise SourceError(f"The dataset {repo!r}{at} could not be read from the Hub: {problem}.") from error


def _first_line(error: BaseException) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__).rstrip(". ")
