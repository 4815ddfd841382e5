"""Whose the tokens are, and where they may write: asked of a Hub of the tests' own."""

import pytest

from doubles.hub import HubDouble, User
from vecmill.cli.environment import TIMEOUT_SECONDS, _describe_user, check_accounts

TOKEN = "hf_secret_of_the_tests"  # noqa: S105 - of a Hub of our own


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A Hub that this process asks, as somebody with a token."""
    with HubDouble(tmp_path) as double:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", double.url)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield double


@pytest.fixture
def checked(monkeypatch, tmp_path):
    """Look for tokens, and make sure that none is shown."""
    monkeypatch.setenv("MODAL_CONFIG_PATH", str(tmp_path / "modal.toml"))

    def look():
        found = {check.name: check for check in check_accounts()}
        assert TOKEN not in repr(found)
        return found

    return look


@pytest.mark.parametrize(
    ("user", "told", "hint"),
    [
        (User("ann", orgs=("lab", "club")), "set by the environment; ann, may write to ann, lab, club", ""),
        (
            User("ann", role="read"),
            "set by the environment; ann, may read",
            "publishing needs one with write permission",
        ),
    ],
)
def test_a_token_is_told_by_whose_it_is_and_what_it_may(hub, checked, user, told, hint):
    """As the Hub says."""
    hub.users[TOKEN] = user
    check = checked()["hub token"]
    assert (check.level, check.found, check.hint) == ("ok", told, hint)


def test_a_token_of_fine_grain_is_told_by_its_places():
    """Of its many permissions, writing is what publishing needs."""
    scopes = [
        {"entity": {"name": "lab"}, "permissions": ["repo.content.read", "repo.write"]},
        {"entity": {"name": "club"}, "permissions": ["repo.content.read"]},
    ]
    access = {"role": "fineGrained", "fineGrained": {"scoped": scopes}}
    user = {"name": "ann", "auth": {"accessToken": access}}
    assert _describe_user(user, "there").found == "there; ann, may write to lab"


def test_a_token_that_the_hub_does_not_know_is_a_note(hub, checked):
    """A run on this machine needs none."""
    check = checked()["hub token"]
    assert (check.level, check.found) == ("note", "set by the environment; the Hub does not know it")


@pytest.mark.parametrize("trouble", ["away", "down"])
def test_a_hub_that_cannot_be_asked_is_a_note(hub, checked, trouble):
    """Whether it is not there, or answers with something else."""
    if trouble == "away":
        hub.close()
    hub.outage = 503
    check = checked()["hub token"]
    assert (check.level, "the Hub did not answer (" in check.found) == ("note", True)
    assert TIMEOUT_SECONDS <= 5


def test_offline_the_hub_is_not_asked(hub, checked, monkeypatch):
    """That there is a token is all that can be told."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert checked()["hub token"].level == "ok"
    assert hub.requests == []


def test_without_tokens_there_are_notes(checked, monkeypatch, tmp_path):
    """With what they would be for; one in a file is told by its location."""
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "token"))
    for check in checked().values():
        assert (check.level, check.found) == ("note", "none")
    (tmp_path / "token").write_text(TOKEN)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert checked()["hub token"].found.startswith(f"in {tmp_path / 'token'};")


def test_modals_token_is_looked_for_where_its_client_does(checked, monkeypatch, tmp_path):
    """In two variables, or in its file; half of one is told."""
    (tmp_path / "modal.toml").write_text("[profile]\ntoken_id = 'ak-1'\n")
    assert checked()["modal token"].found == f"in {tmp_path / 'modal.toml'}"
    monkeypatch.setenv("MODAL_TOKEN_SECRET", TOKEN)
    half = checked()["modal token"]
    assert (half.level, half.found) == ("note", "MODAL_TOKEN_SECRET is set, and MODAL_TOKEN_ID is not")
    monkeypatch.setenv("MODAL_TOKEN_ID", "ak-1")
    assert (checked()["modal token"].level, checked()["modal token"].found) == ("ok", "set by the environment")
