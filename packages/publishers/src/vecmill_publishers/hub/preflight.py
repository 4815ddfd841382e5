"""Preflight: whether a repository may be published to, before anything is sent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

from vecmill.errors import ConfigError, PublishError
from vecmill.store import read_user_section

if TYPE_CHECKING:
    from vecmill_publishers.hub.publisher import HubPublisher
    from vecmill_publishers.hub.remote import Remote, Stored


def check_repo_id(repo: str) -> str:
    """Return a repo id that the Hub takes.

    Raises:
        ConfigError: It does not.
    """
    try:
        validate_repo_id(repo)
    except HFValidationError as error:
        raise ConfigError(f"publisher.repo: {error}") from None
    if repo.count("/") != 1:
        raise ConfigError(f'publisher.repo: needs "user/name" or "organisation/name"; found {repo!r}')
    return repo


CARD, MANIFEST = "README.md", "manifest.json"
RUN = re.compile(r"data/(run-[0-9a-f]{16}-[0-9a-f]{8})/((float16|int8)/)?(train-[^/]*|quarantine)\.parquet")
"""The path of a file of a run; all other files of a repo are somebody else's."""
PLAIN = {".gitattributes", CARD}
FRONT = re.compile(r"\A(?:---\r?\n.*?^---\s*$)?", flags=re.DOTALL | re.MULTILINE)
SHOWN = 3


def check_repo(remote: Remote, options: HubPublisher.Config) -> None:
    """Refuse what could not be published.

    Raises:
        PublishError: The token may not write there, or the repo holds something else.
    """
    with remote.translate_errors():
        _check_permission(remote.whoami(), remote.id)
        head = remote.read_head()
        if head is None or not head.sha:
            return
        if options.private and not head.private:
            raise PublishError(
                f"{remote.id} is public, and private = true was asked for: make it private in its settings, "
                "or choose another repo"
            )
        refuse_others(remote, head.sha, remote.list_files(head.sha), options)


def refuse_others(remote: Remote, sha: str, files: dict[str, Stored], options: HubPublisher.Config) -> None:
    """Refuse a repo that holds something else than datasets of ours.

    Raises:
        PublishError: It does, and may not be overwritten.
    """
    ours = any(map(RUN.fullmatch, files)) or (CARD in files and _is_ours(remote, sha))
    strangers = [] if ours else [path for path in files if path not in PLAIN]
    if not ours and CARD in files and not strangers and _has_body(remote, sha):
        strangers = [CARD]
    if strangers and not options.force:
        shown = ", ".join(strangers[:SHOWN]) + (" …" if len(strangers) > SHOWN else "")
        raise PublishError(
            f"{remote.id} holds something that vecmill did not publish ({shown}): choose another repo, or publish "
            "with force = true to replace its card and manifest.json, and leave its other files"
        )


def _check_permission(user: dict[str, Any], repo: str) -> None:
    namespace = repo.partition("/")[0]
    names = [user["name"], *(org["name"] for org in user.get("orgs") or [])]
    if namespace not in names:
        raise PublishError(
            f"the token of {user['name']} cannot write to {repo}: its namespaces are {', '.join(names)}. "
            "Choose one of them, or use another token"
        )
    access = (user.get("auth") or {}).get("accessToken") or {}
    if access.get("role") == "read" or (access.get("role") == "fineGrained" and not _may_write(access, namespace)):
        raise PublishError(
            f"the token of {user['name']} may not write to {repo}: make one with write permission in the settings "
            "of your account on the Hub"
        )


def _may_write(access: dict[str, Any], namespace: str) -> bool:
    """Whether a fine-grained token may write somewhere below a namespace; the Hub says the rest."""
    scopes = (access.get("fineGrained") or {}).get("scoped")
    if scopes is None:
        return True
    return any(
        "repo.write" in scope.get("permissions", [])
        and namespace in str(scope.get("entity", {}).get("name", namespace))
        for scope in scopes
    )


def _is_ours(remote: Remote, sha: str) -> bool:
    return read_user_section(remote.read(sha, CARD).decode("utf-8", "replace")) is not None


def _has_body(remote: Remote, sha: str) -> bool:
    return bool(FRONT.sub("", remote.read(sha, CARD).decode("utf-8", "replace"), count=1).strip())
