"""Account: what went in, what came out, and nothing between."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from vecmill.records.bounds import Count


class Account(BaseModel):
    """Counts over a shard or a run; accounts add up.

    Attributes:
        documents_in: Documents read from the source.
        documents_embedded: Documents of which every chunk has a vector in the dataset.
        documents_quarantined: Documents set aside whole, each with a reason.
        chunks: Rows of the dataset.
        characters: Characters of text in those rows.
        tokens: The model's tokens embedded, special tokens included.
        truncated_chunks: Chunks of which the model saw only the beginning.
        shortened_titles: Documents whose title was too long to stand whole before each chunk.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    documents_in: Count = 0
    documents_embedded: Count = 0
    documents_quarantined: Count = 0
    chunks: Count = 0
    characters: Count = 0
    tokens: Count = 0
    truncated_chunks: Count = 0
    shortened_titles: Count = 0

    def __add__(self, other: Account) -> Account:
        """Return the account of both together."""
        mine, theirs = self.model_dump(), other.model_dump()
        return Account(**{key: mine[key] + theirs[key] for key in mine})

    @property
    def balanced(self) -> bool:
        """Whether every document that went in is accounted for."""
        return self.documents_in == self.documents_embedded + self.documents_quarantined
