"""Chunker: where to cut a document, and what is embedded in front of each chunk."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from vecmill.errors import PluginError
from vecmill.protocols.component import Component, ConfigT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vecmill.protocols.tokenizer import Tokenizer
    from vecmill.records import Document, ModelInfo, Span


class Chunker(Component[ConfigT]):
    """Cuts a document into spans.

    A chunker returns spans, never text, so offsets are exact by construction. The spans are in order,
    none is empty, and together they contain all text that is not blank: whitespace, and what
    the model reads no token in. A chunk that is blank is left out. A worked example::

        class Lines(Chunker[Options]):
            name = "lines"

            def spans(self, document):
                return [Span(*m.span()) for m in re.finditer(r".+", document.text)]

    Attributes:
        template: What is embedded for a chunk, over the fields ``title`` and ``text``.
        tokenizer: The embedding model's own token counter.
        model: The embedding model: its longest input, its prompt.
    """

    template: str = "{text}"

    def __init__(self, config: ConfigT, tokenizer: Tokenizer, model: ModelInfo) -> None:
        super().__init__(config)
        self.tokenizer = tokenizer
        self.model = model

    @abstractmethod
    def spans(self, document: Document) -> Sequence[Span]:
        """Return the document's chunks, in order."""

    def title(self, document: Document) -> str:
        """Return the title as it stands in front of each chunk, if the template has one.

        It depends on the document's id and title alone, besides the options: a chunk with the same id, title and text
        keeps the vector that an earlier run gave it, whatever else changed in its document.
        """
        return document.title


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
        PluginError: It does, so that a chunk may have another vector than it had.
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
