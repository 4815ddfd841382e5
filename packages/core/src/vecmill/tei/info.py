"""RouterInfo: what a router says of itself, and whether that is what the job asks for."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import orjson
from pydantic import BaseModel, ValidationError

from vecmill.errors import ConfigError
from vecmill.models.weights import digest

if TYPE_CHECKING:
    from vecmill.models import ModelFolder

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
