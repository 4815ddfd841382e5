"""TeiOptions: which model, where it is served, and how to ask."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from vecmill.errors import ConfigError
from vecmill.protocols import Options

URL = "VECMILL_TEI_URL"
"""The environment variable that says where the router is when the job does not: a runtime that starts one sets it."""
API_KEY = "VECMILL_TEI_API_KEY"  # a name, not a key


class TeiOptions(Options):
    """Which model, and where it is served.

    Attributes:
        url: Where the router is, such as ``http://127.0.0.1:8080``. Left out, it is what the environment
            variable ``VECMILL_TEI_URL`` says in each worker.
        model: The model that the router serves: a Hub id, a folder, or ``package:NAME/path``. Its tokenizer
            and settings are read here, its weights are not.
        revision: On the Hub a branch, tag or commit; for a folder the ``sha256:…`` its weights must have.
        route: ``openai-base64`` is the fast one; ``embed`` is the router's own.
        precision: What the router must compute in; by default it is not asked.
        prompt: Put in front of every document; by default what the model's own files say.
        max_in_flight: Requests at the same time.
        timeout_s: Seconds that an answer may take.
        attempts: How often a request is sent that breaks something.
        wait_s: Seconds to wait for a router that is not there yet, or not any more, or has no room.
    """

    url: str | None = None
    model: str
    revision: str | None = None
    route: Literal["openai-base64", "embed"] = "openai-base64"
    precision: Literal["f16", "bf16", "f32"] | None = None
    prompt: str | None = None
    max_in_flight: int = Field(default=8, ge=1, le=512)
    timeout_s: float = Field(default=60.0, gt=0)
    attempts: int = Field(default=5, ge=1)
    wait_s: float = Field(default=60.0, ge=0)

    @field_validator("url")
    @classmethod
    def _plain_address(cls, url: str | None) -> str | None:
        return None if url is None else address(url)


def address(url: str) -> str:
    """Return an address that may be shown and written down.

    Raises:
        ConfigError: It holds a password.
        ValueError: It is none.
    """
    parts = urlsplit(url)
    if parts.username or parts.password:  # no ValueError: that would be shown with the value
        raise ConfigError(
            "embedder.url: no user name or password may stand in it, as it is written into the dataset's manifest; "
            f"a key goes into the environment variable {API_KEY}"
        )
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("an address like http://127.0.0.1:8080 is needed")
    return url
