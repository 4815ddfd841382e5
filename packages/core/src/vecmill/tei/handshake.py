"""Handshake: what a router says of itself, and whether that is what the job asks for."""

from __future__ import annotations

from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any

import orjson
from pydantic import BaseModel, ValidationError

from vecmill.concurrency import sleep
from vecmill.errors import ConfigError
from vecmill.models.model_files import digest
from vecmill.tei.client import ROUTES, Limits, Router, check_token_count
from vecmill.tei.errors import RetryableError, check_status
from vecmill.tei.session import RetryPolicy, Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vecmill.models import ModelFolder
    from vecmill.protocols import Tokenizer
    from vecmill.tei.client import Route
    from vecmill.tei.embedder import TeiEmbedder


PRECISIONS = {"f16": "float16", "f32": "float32", "bf16": "bfloat16"}
POOLING = {"last_token": "lasttoken"}


class RouterInfo(BaseModel):
    """The answer of ``/info``, as far as it matters here.

    Attributes:
        model_id: A Hub id, or a folder on the router's machine.
        model_sha: The commit on the Hub; ``None`` for a folder.
        model_dtype: What it computes in.
        model_type: What kind of model it is; an embedding model with its pooling.
        max_concurrent_requests: Texts it takes at the same time.
        max_input_length: Longest text in tokens, special tokens included.
        max_client_batch_size: Texts in a request.
    """

    model_id: str
    model_sha: str | None = None
    model_dtype: str
    model_type: dict[str, Any]
    max_concurrent_requests: int
    max_input_length: int
    max_client_batch_size: int

    def check(self, folder: ModelFolder, precision: str | None) -> None:
        """Compare with the model that the job names.

        Raises:
            ConfigError: The router serves another one, or otherwise.
        """
        embedding = self.model_type.get("embedding")
        pooling = str(embedding.get("pooling") if isinstance(embedding, dict) else None)
        if not _serves(self.model_id, self.model_sha, folder):
            raise _differs("serves", f"{self.model_id!r} ({self.model_sha})", f"{folder.id!r} ({folder.revision})")
        if (POOLING.get(pooling, pooling),) != folder.pipeline.pooling:
            raise _differs("pools by", pooling, "+".join(folder.pipeline.pooling))
        if self.max_input_length < folder.max_tokens:
            raise _differs("takes texts of up to", f"{self.max_input_length} tokens", f"{folder.max_tokens}")
        if precision is not None and self.model_dtype != PRECISIONS[precision]:
            raise _differs("computes in", self.model_dtype, PRECISIONS[precision])


def read_info(content: bytes, url: str) -> RouterInfo:
    """Read the answer of ``/info``.

    Raises:
        ConfigError: It comes from something else.
    """
    try:
        return RouterInfo.model_validate(orjson.loads(content))
    except (ValueError, ValidationError) as error:
        why = str(error).partition("\n")[0]
        raise ConfigError(f"{url}/info is not the answer of a router ({why}): correct embedder.url") from error


def _differs(does: str, found: str, wanted: str) -> ConfigError:
    return ConfigError(
        f"the router {does} {found}, and the job asks for {wanted}: start the right one, or correct the job"
    )


def _serves(model: str, sha: str | None, folder: ModelFolder) -> bool:
    if sha is not None:
        return sha == folder.revision
    local = Path(model)
    if folder.weights and local.is_dir():
        return _same_weights(local, folder)
    parts = PurePosixPath(model).parts  # a folder that cannot be looked into: its name has to do
    return folder.revision in parts or parts[-1:] == PurePosixPath(folder.id).parts[-1:]


def _same_weights(local: Path, folder: ModelFolder) -> bool:
    try:
        return digest([local / path.relative_to(folder.root) for path in folder.weights]) == folder.revision
    except OSError:
        return False


PAGE = "/v1/models"
SHOWN = 5
KEY_OR_LATER = frozenset({401, 403, 429, 502, 503, 504})
"""What does not mean that the server has no list."""


class _Entry(BaseModel):
    id: str
    root: str | None = None


class _Models(BaseModel):
    data: list[_Entry]


def find_served_model(router: Router, model: str, policy: RetryPolicy) -> str:
    """Ask a server what it calls the model.

    Args:
        router: The server.
        model: The model's id on the Hub, or where its folder is.
        policy: How long to ask.

    Returns:
        The name in the server's list that is the model's, or the only one; the model's own where it has no list.

    Raises:
        ConfigError: It serves several models, and none has this name.
        EngineError: It did not answer in time.
    """
    while True:
        try:
            return choose_served_model(_list_models(router), model)
        except RetryableError as failure:
            sleep(policy.next_delay(failure))


def choose_served_model(served: Sequence[tuple[str, str | None]], model: str) -> str:
    """Return the name of the model among those of a server, each with the id that it was loaded from, if it says so.

    Raises:
        ConfigError: There are several, and nothing says which is meant.
    """
    own = _last_name(model) if PurePath(model).is_absolute() or model.startswith((".", "~", "package:")) else model
    if len(served) < 2:  # noqa: PLR2004 - the one there is, or none
        return served[0][0] if served else own
    for same in (_full_name, _last_name):
        found = [name for name, root in served if same(own) in {same(name), same(root or name)}]
        if len(found) == 1:
            return found[0]
    names = ", ".join(repr(name) for name, _ in served[:SHOWN])
    more = f" and {len(served) - SHOWN} more" if len(served) > SHOWN else ""
    raise ConfigError(
        f"the server has the models {names}{more}, and it is not clear which of them is {own!r}: set "
        "embedder.served_model to its name"
    )


def _list_models(router: Router) -> list[tuple[str, str | None]]:
    response = router.get(PAGE)
    if response.status_code in KEY_OR_LATER:
        check_status(response)
    if not response.is_success:
        return []
    try:
        return [(entry.id, entry.root) for entry in _Models.model_validate(orjson.loads(response.content)).data]
    except (ValueError, ValidationError):
        return []


def _full_name(name: str) -> str:
    return name.casefold().removesuffix(":latest")


def _last_name(name: str) -> str:
    return PurePosixPath(_full_name(name.replace("\\", "/"))).name


NO_SUCH_PAGE = frozenset({404, 405})


def open_session(
    url: str, key: str | None, config: TeiEmbedder.Config, folder: ModelFolder, tokenizer: Tokenizer
) -> Session:
    """Wait for a router, check what it serves and how it reads, and keep the connection.

    Args:
        url: Where it is.
        key: Its API key, if it needs one.
        config: How to talk to it.
        folder: The model it must serve.
        tokenizer: The model's own.

    Raises:
        EngineError: It was not ready in time.
        ConfigError: It serves another model, needs another key, or is no router.
    """
    router = Router(url, config.max_in_flight, config.timeout_s, key)

    def new_policy() -> RetryPolicy:
        return RetryPolicy(config.attempts, config.wait_s)

    try:
        info = _wait_for_info(router, new_policy())
        if info is not None:
            info.check(folder, config.precision)
        route = _choose_route(router, config, info, folder, new_policy())
        if info is not None:
            check_token_count(router, route, tokenizer, new_policy())
    except BaseException:
        router.close()
        raise
    return Session(router, route, Limits.of(info) if info else Limits(), folder.dimension, new_policy)


def _choose_route(
    router: Router, config: TeiEmbedder.Config, info: RouterInfo | None, folder: ModelFolder, policy: RetryPolicy
) -> Route:
    name = config.served_model
    if name is None:
        name = info.model_id if info else find_served_model(router, folder.id, policy)
    return ROUTES[config.route](name)


def _wait_for_info(router: Router, policy: RetryPolicy) -> RouterInfo | None:
    """Ask until there is an answer; ``None`` stands for a server of another make, which has no ``/info``."""
    while True:
        try:
            response = router.get("/info")
            if response.status_code in NO_SUCH_PAGE:
                return None
            check_status(response)
            return read_info(response.content, router.url)
        except RetryableError as failure:
            sleep(policy.next_delay(failure))
