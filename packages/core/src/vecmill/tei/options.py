"""TeiOptions: which model, where it is served, and how to ask."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from vecmill.protocols import Options
from vecmill.tei.address import address


class TeiOptions(Options):
    """Which model, and where it is served.

    Attributes:
        url: Where the router is, such as ``http://127.0.0.1:8080``. Left out, it is what the environment
            variable ``VECMILL_TEI_URL`` says in each worker.
        model: The model that the router serves: a Hub id, a folder, or ``package:NAME/path``. Its tokenizer
            and settings are read here, its weights are not.
        revision: On the Hub a branch, tag or commit; for a folder the ``sha256:…`` its weights must have.
        served_model: What the server calls the model; by default what it says itself.
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
    served_model: str | None = Field(default=None, min_length=1)
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
