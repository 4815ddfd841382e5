"""Template: what is embedded in front of each chunk, and how many tokens that leaves for its text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vecmill.errors import ConfigError, PluginError

if TYPE_CHECKING:
    from vecmill.protocols import Chunker, Tokenizer
    from vecmill.records import Document, ModelInfo


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


_TEXT = "{text}"
_TITLE = "{title}"


def prefix(chunker: Chunker[Any], document: Document) -> str:
    """Return what stands in front of each chunk of ``document``: what is embedded is this and the text.

    Raises:
        PluginError: The chunker's template does not end with the text.
    """
    return chunker.model.prompt + head(chunker.template, chunker.title(document))


def check_prefix(chunker: Chunker[Any], document: Document) -> None:
    """Make sure that what stands in front of a chunk does not change with the rest of its document.

    Raises:
        PluginError: It does, so that nobody can tell whether a chunk has the vector that it had.
    """
    if prefix(chunker, document) != prefix(chunker, document._replace(text="Another text", url="")):
        raise PluginError(
            f"the chunker {chunker.name!r} makes the title of document {document.id!r} from its text or URL, so its "
            "chunks may have other vectors than an earlier dataset has for them: run without --since, and report it to "
            "the chunker's author"
        )


def head(template: str, title: str) -> str:
    """Return the template up to the text; nothing, if it is about a title and the title is blank.

    Raises:
        PluginError: The template does not end with ``{text}``.
    """
    if not template.endswith(_TEXT):
        raise PluginError(f'The template "{template}" does not end with "{_TEXT}". Correct it in the chunker.')
    front = template[: -len(_TEXT)]
    if _TITLE not in front:
        return front
    return front.replace(_TITLE, title) if title.strip() else ""
