"""How many tokens a chunk may have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vecmill.errors import ConfigError

if TYPE_CHECKING:
    from vecmill.protocols import Tokenizer
    from vecmill.records import ModelInfo

DEFAULT_TOKENS = 256
LEAST_TOKENS = 8


def limit(max_tokens: int, tokenizer: Tokenizer, model: ModelInfo) -> int:
    """Return the most tokens a chunk may have as embedded; the default gives way to a model that takes fewer.

    Raises:
        ConfigError: The model takes fewer, or prompt and special tokens leave no room for text.
    """
    if max_tokens > model.max_tokens and max_tokens != DEFAULT_TOKENS:
        raise ConfigError(
            f"chunker.max_tokens is {max_tokens}, but {model.id} reads {model.max_tokens} tokens at most. "
            f"Set it to {model.max_tokens} or less."
        )
    most = min(max_tokens, model.max_tokens)
    taken = int(tokenizer.count([model.prompt])[0]) + tokenizer.special_tokens
    if most - taken < LEAST_TOKENS:
        raise ConfigError(
            f"chunker.max_tokens is {most}, of which the prompt and the special tokens of {model.id} take {taken}: "
            f"too few are left for text. Set it to {taken + LEAST_TOKENS} or more."
        )
    return most
