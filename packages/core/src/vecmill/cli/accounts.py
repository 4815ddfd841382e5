"""Accounts: whether the Hub and Modal know this machine. Tokens are used, and never shown."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vecmill.cli.check import Check
from vecmill.cli.text import said

if TYPE_CHECKING:
    from collections.abc import Iterator

HUB, MODAL = "hub token", "modal token"
HUB_VARIABLES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_OIDC_RESOURCE")
MODAL_VARIABLES = ("MODAL_TOKEN_ID", "MODAL_TOKEN_SECRET")
LOGIN = "only for private or gated repositories and for publishing: hf auth login"
TIMEOUT_SECONDS = 5
OK, UNAUTHORIZED = 200, 401


def accounts() -> Iterator[Check]:
    """Look for tokens; the Hub is asked what its own may do."""
    yield _hub()
    if find_spec("modal") is not None:
        yield _modal()


def _hub() -> Check:
    try:
        from huggingface_hub import constants, get_token
    except ImportError:
        return Check(HUB, "note", "cannot be looked for without huggingface-hub")
    try:
        token = get_token()
    except OSError as error:
        return Check(HUB, "note", f"cannot be read ({error})", "set HF_HOME to a folder of yours, or HF_TOKEN")
    if token is None:
        return Check(HUB, "note", "none", LOGIN)
    place = f"in {constants.HF_TOKEN_PATH}"
    if any(os.environ.get(name) for name in HUB_VARIABLES):
        place = "set by the environment"
    if constants.HF_HUB_OFFLINE:
        return Check(HUB, "ok", f"{place}; the Hub was not asked, for HF_HUB_OFFLINE is set")
    return _asked(token, place)


def _asked(token: str, place: str) -> Check:
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session  # type: ignore[attr-defined]

    url, headers = f"{constants.ENDPOINT}/api/whoami-v2", {"Authorization": f"Bearer {token}"}
    try:
        answer = get_session().get(url, headers=headers, timeout=TIMEOUT_SECONDS)
        if answer.status_code == OK:
            return _known(answer.json(), place)
        if answer.status_code == UNAUTHORIZED:
            return Check(HUB, "note", f"{place}; the Hub does not know it", "log in again: hf auth login")
        why = f"it answered {answer.status_code}"
    except Exception as error:  # noqa: BLE001 - which HTTP library's errors these are depends on the client's version
        why = said(str(error)) or type(error).__name__
    return Check(
        HUB, "note", f"{place}; the Hub could not be asked ({why})", "it is needed only for what is on the Hub"
    )


def _known(user: dict[str, Any], place: str) -> Check:
    access = user["auth"]["accessToken"]
    found = f"{place}; {said(str(user['name']))}"
    writable = [said(name) for name in _writable(user, access)]
    if not writable:
        return Check(HUB, "ok", f"{found}, may read", "publishing needs one with write permission")
    return Check(HUB, "ok", f"{found}, may write to {', '.join(writable)}")


def _writable(user: dict[str, Any], access: dict[str, Any]) -> list[str]:
    """Return the namespaces, or for a token of fine grain the places in them, that a token may write to."""
    if access["role"] == "write":
        return [user["name"], *(org["name"] for org in user.get("orgs") or [])]
    scopes = (access.get("fineGrained") or {}).get("scoped") or []
    return [scope["entity"]["name"] for scope in scopes if "repo.write" in scope["permissions"]]


def _modal() -> Check:
    there = [name for name in MODAL_VARIABLES if os.environ.get(name)]
    if len(there) == 1:
        (missing,) = set(MODAL_VARIABLES).difference(there)
        return Check(MODAL, "note", f"{there[0]} is set, and {missing} is not", "set both, or neither")
    if there:
        return Check(MODAL, "ok", "set by the environment")
    path = Path(os.environ.get("MODAL_CONFIG_PATH") or "~/.modal.toml").expanduser()
    if path.is_file():
        return Check(MODAL, "ok", f"in {path}")
    return Check(MODAL, "note", "none", "only to run on Modal: modal setup")
