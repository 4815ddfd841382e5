"""TEI: any server that speaks text-embeddings-inference's or OpenAI's protocol, as an embedder."""

from __future__ import annotations

import os
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from vecmill.errors import ConfigError, EngineError, ModelError
from vecmill.protocols import INCIDENTAL, LOCATION, Embedder, Options

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from vecmill.models import ModelFolder
    from vecmill.protocols import Tokenizer
    from vecmill.records import ModelInfo
    from vecmill.tei.session import Session


URL = "VECMILL_TEI_URL"
"""The environment variable that says where the router is when the job does not: a runtime that starts one sets it."""
API_KEY = "VECMILL_TEI_API_KEY"  # a name, not a key


def check_address(url: str) -> str:
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


def find_too_long(texts: Sequence[str], tokenizer: Tokenizer, max_tokens: int) -> npt.NDArray[np.bool_]:
    """Return which texts have more than ``max_tokens``, special tokens included."""
    return tokenizer.count(texts) + tokenizer.special_tokens > max_tokens


def cut_texts(texts: Sequence[str], tokenizer: Tokenizer, max_tokens: int) -> Sequence[str]:
    """Return the texts, each one over ``max_tokens`` cut after its last token that fits."""
    long = find_too_long(texts, tokenizer, max_tokens)
    if not long.any():
        return texts
    room = max_tokens - tokenizer.special_tokens
    return [_cut_text(text, tokenizer, room) if over else text for text, over in zip(texts, long, strict=True)]


def _cut_text(text: str, tokenizer: Tokenizer, room: int) -> str:
    return text[: tokenizer.offsets(text)[room - 1, 1]]


class TeiEmbedder(Embedder["TeiEmbedder.Config"]):
    """Embeds by HTTP: Hugging Face's router 1.9, or any server with OpenAI's ``/v1/embeddings``."""

    name = "tei"

    class Config(Options):
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

        url: Annotated[str | None, LOCATION] = None
        model: Annotated[str, LOCATION]
        revision: str | None = None
        served_model: Annotated[str | None, INCIDENTAL] = Field(default=None, min_length=1)
        route: Annotated[Literal["openai-base64", "embed"], INCIDENTAL] = "openai-base64"
        precision: Literal["f16", "bf16", "f32"] | None = None
        prompt: str | None = None
        max_in_flight: Annotated[int, INCIDENTAL] = Field(default=8, ge=1, le=512)
        timeout_s: Annotated[float, INCIDENTAL] = Field(default=60.0, gt=0)
        attempts: Annotated[int, INCIDENTAL] = Field(default=5, ge=1)
        wait_s: Annotated[float, INCIDENTAL] = Field(default=60.0, ge=0)

        @field_validator("url")
        @classmethod
        def _plain_address(cls, url: str | None) -> str | None:
            return None if url is None else check_address(url)

    _session: Session | None = None
    _cuts_here = False

    def pinned(self) -> Config:
        """Return the options with the revision and the prompt as they are now.

        Raises:
            ModelError: There is no such model.
        """
        return self.config.model_copy(update={"revision": self._folder.revision, "prompt": self._prompt})

    def model(self) -> ModelInfo:
        """Describe the model from its own files; the router is not asked. It always makes unit vectors."""
        return self._folder.info(self._prompt, self.config.precision, normalized=True)

    def tokenizer(self) -> Tokenizer:
        """Return the model's own tokenizer."""
        return self._tokenizer

    @property
    def concurrency(self) -> int:
        """Requests at the same time."""
        return self.config.max_in_flight

    def open(self) -> None:
        """Wait for the router, and check that it serves the model.

        Raises:
            ConfigError: There is no address, or it is that of another model.
            EngineError: The router was not ready in time.
        """
        _check_installed()
        from vecmill.tei.handshake import open_session

        self._session = open_session(self._url, os.environ.get(API_KEY), self.config, self._folder, self._tokenizer)
        self._cuts_here = self._session.limits.longest > self._folder.max_tokens

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Embed texts, in order; each is cut to the model's longest input. May be called from many threads."""
        if self._session is None:
            raise EngineError("the tei embedder is not open: call open() before embed()")
        from vecmill.tei.errors import InvalidTextError

        if self._cuts_here:
            return self._session.embed(cut_texts(texts, self._tokenizer, self._folder.max_tokens))
        try:
            return self._session.embed(texts)
        except InvalidTextError:
            if not find_too_long(texts, self._tokenizer, self._folder.max_tokens).any():
                raise
            return self._session.embed(texts, cut=True)

    def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            self._session.close()
        self._session = None

    @property
    def _url(self) -> str:
        found = self.config.url or os.environ.get(URL)
        if not found:
            raise ConfigError(f"no address of a router: set embedder.url, or {URL} in the environment of the workers")
        try:
            return check_address(found)
        except ValueError as error:
            raise ConfigError(f"{URL}: {error}") from None

    @property
    def _prompt(self) -> str:
        return self._folder.prompts.document if self.config.prompt is None else self.config.prompt

    @cached_property
    def _folder(self) -> ModelFolder:
        from vecmill.models import open_model

        found = open_model(self.config.model, self.config.revision)
        if found.pipeline.truncated:
            raise ModelError(
                f"{found.id!r} cuts its vectors to {found.dimension} numbers (truncate_dim), and a router does not: "
                "remove truncate_dim from its config_sentence_transformers.json, or use the embedder openvino"
            )
        return found

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from vecmill.models.tokenizer import load_tokenizer

        return load_tokenizer(self._folder.path)


def _check_installed() -> None:
    missing = [name for name in ("httpx2", "pybase64") if find_spec(name) is None]
    if missing:
        raise ConfigError(f"the tei embedder needs {' and '.join(missing)}: install vecmill[tei]")
