"""Chunker: where to cut a document."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from vecmill.protocols.component import Component, ConfigT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vecmill.protocols.tokenizer import Tokenizer
    from vecmill.records import Document, ModelInfo, Span


class Chunker(Component[ConfigT]):
    """Cuts a document into spans.

    A chunker returns places, never text, so offsets are exact by construction. The spans are in order,
    none is empty, and together they cover all text that is not blank: whitespace, and what
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
