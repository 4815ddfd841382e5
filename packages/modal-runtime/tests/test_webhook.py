"""Webhook: somebody hears of a failure, and nobody of the address."""

import pytest

from doubles.webhook import Receiver
from vecmill.sanitize import redact_secrets
from vecmill_modal_runtime.webhook import PAUSES, call_webhook

REPORT = {"app": "vecmill-wikipedia", "state": "failed", "error": "no"}
SECRET = "T0/B0/verysecretkey"  # noqa: S105 - not one


@pytest.fixture
def receiver(monkeypatch):
    """Return a receiver whose address is the webhook's."""
    with Receiver() as made:
        monkeypatch.setenv("VECMILL_WEBHOOK_URL", f"{made.url}/{SECRET}")
        yield made


@pytest.fixture
def call():
    """Return a function that reports, and returns whether it was taken, what was said, and the pauses."""

    def run():
        said, pauses = [], []
        taken = call_webhook(REPORT, said.append, pauses.append)
        return taken, said, pauses

    return run


def test_a_report_is_posted_as_json(receiver, call):
    """Once, if it is taken."""
    assert call() == (True, [], [0.0])
    assert receiver.received == [(f"/{SECRET}", "application/json", REPORT)]


def test_an_address_that_is_busy_is_tried_three_times(receiver, call):
    """And then no more: the run has ended, and its container is paid for."""
    receiver.answers = [500, 429]
    assert call() == (True, [], [0.0, *PAUSES])
    receiver.answers = [503] * 9
    assert call() == (
        False,
        ["the address in VECMILL_WEBHOOK_URL did not get the report of the failure: it answered 503"],
        [0.0, *PAUSES],
    )
    assert len(receiver.answers) == 6


@pytest.mark.parametrize("status", [302, 404])
def test_an_address_that_wants_none_of_it_is_not_asked_again(receiver, call, status):
    """Nor is what it points to: the report is for one address."""
    receiver.answers = [status]
    taken, (said,), _ = call()
    assert not taken
    assert said.endswith(f"it answered {status}")
    assert [path for path, *_ in receiver.received] == [f"/{SECRET}"]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:9/key-that-is-secret", "it did not answer"),
        ("http://example.org/key-that-is-secret", "is no https:// address"),
        ("file:///etc/key-that-is-secret", "is no https:// address"),
        ("https://[key-that-is-secret", "is no https:// address"),
        ("https://127.0.0.1:99999/key-that-is-secret", "it did not answer"),
    ],
)
def test_what_is_said_of_an_address_is_not_the_address(monkeypatch, call, url, said):
    """A log may be read by more people than may write to it."""
    monkeypatch.setenv("VECMILL_WEBHOOK_URL", url)
    taken, (line,), _ = call()
    assert not taken
    assert said in line
    assert "secret" not in line
    assert redact_secrets(f"it was {url}") == "it was ***"


def test_without_an_address_nothing_is_done(monkeypatch, call):
    """Most runs have none."""
    monkeypatch.delenv("VECMILL_WEBHOOK_URL", raising=False)
    assert call() == (False, [], [])
