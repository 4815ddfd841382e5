"""What is embedded for a chunk: the model's prompt, the template, the text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vecmill.errors import PluginError

if TYPE_CHECKING:
    from vecmill.protocols import Chunker
    from vecmill.records import Document

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
