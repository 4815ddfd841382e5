"""TEI: any server that speaks text-embeddings-inference's or OpenAI's protocol, as an embedder."""

from __future__ import annotations

import os
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING

from vecmill.errors import ConfigError, EngineError
from vecmill.protocols import Embedder, later
from vecmill.tei.address import API_KEY, URL, address

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from vecmill.models import ModelFolder
    from vecmill.protocols import Tokenizer
    from vecmill.records import ModelInfo
    from vecmill.tei.options import TeiOptions
    from vecmill.tei.session import Session


def too_long(texts: Sequence[str], tokenizer: Tokenizer, max_tokens: int) -> npt.NDArray[np.bool_]:
    """Return which texts have more than ``max_tokens``, special tokens included."""
    return tokenizer.count(texts) + tokenizer.special_tokens > max_tokens


def cut(texts: Sequence[str], tokenizer: Tokenizer, max_tokens: int) -> Sequence[str]:
    """Return the texts, each one over ``max_tokens`` cut after its last token that fits."""
    long = too_long(texts, tokenizer, max_tokens)
    if not long.any():
        return texts
    room = max_tokens - tokenizer.special_tokens
    return [_first(text, tokenizer, room) if over else text for text, over in zip(texts, long, strict=True)]


def _first(text: str, tokenizer: Tokenizer, room: int) -> str:
    return text[: tokenizer.offsets(text)[room - 1, 1]]


class TeiEmbedder(Embedder["TeiOptions"]):
    """Embeds by HTTP: Hugging Face's router 1.9, or any server with OpenAI's ``/v1/embeddings``."""

    name = "tei"
    Config = later("vecmill.tei.options:TeiOptions")
    location = frozenset({"url", "model", "served_model", "route", "max_in_flight", "timeout_s", "attempts", "wait_s"})

    _session: Session | None = None
    _cuts_here = False

    def pinned(self) -> TeiOptions:
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
            return self._session.embed(cut(texts, self._tokenizer, self._folder.max_tokens))
        try:
            return self._session.embed(texts)
        except InvalidTextError:
            if not too_long(texts, self._tokenizer, self._folder.max_tokens).any():
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
            return address(found)
        except ValueError as error:
            raise ConfigError(f"{URL}: {error}") from None

    @property
    def _prompt(self) -> str:
        return self._folder.prompts.document if self.config.prompt is None else self.config.prompt

    @cached_property
    def _folder(self) -> ModelFolder:
        from vecmill.models import open_model

        return open_model(self.config.model, self.config.revision)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from vecmill.models.tokenizer import load_tokenizer

        return load_tokenizer(self._folder.path)


def _check_installed() -> None:
    missing = [name for name in ("httpx2", "pybase64") if find_spec(name) is None]
    if missing:
        raise ConfigError(f"the tei embedder needs {' and '.join(missing)}: install vecmill[tei]")
