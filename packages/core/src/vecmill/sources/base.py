"""SourceConfig: the options that every source has, and the fingerprint of a source."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, field_validator

from vecmill.protocols import INCIDENTAL, Options
from vecmill.records.documents import CHUNK_COLUMNS, VECTOR_COLUMN
from vecmill.records.manifest import Words

if TYPE_CHECKING:
    from pydantic import BaseModel

    from vecmill.protocols import Source

Role = Literal["id", "text", "url", "title"]
ROLES: tuple[Role, ...] = ("id", "text", "url", "title")
TAKEN = frozenset({*ROLES, *CHUNK_COLUMNS, VECTOR_COLUMN, "problem"})


class SourceConfig(Options):
    """Options of every source.

    Attributes:
        limit: Read only the first so many documents, in source order.
        columns: Where our ``id``, ``text``, ``url`` and ``title`` are found, if the file calls them
            otherwise: ``{"text": "body"}``. An empty name leaves a column out: ``{"id": ""}`` numbers the rows.
        keep: Extra columns of the dataset. They keep their types, but for those that not every reader
            knows: a map becomes a list of pairs, a dictionary its values, a column of nulls strings.
        license: Identifiers of the text's licences as the Hub writes them, such as ``cc-by-sa-4.0``, for the card; by
            default what the source itself states.
        language: Codes of its languages, such as ``en``, in the same way.
    """

    limit: Annotated[int, Field(gt=0, lt=2**63, strict=True)] | None = None
    columns: dict[Role, str] = Field(default_factory=dict)
    keep: list[str] = Field(default_factory=list)
    license: Annotated[Words, INCIDENTAL] = ()
    language: Annotated[Words, INCIDENTAL] = ()

    @field_validator("columns")
    @classmethod
    def _text_is_needed(cls, columns: dict[Role, str]) -> dict[Role, str]:
        if columns.get("text") == "":
            raise ValueError("text must name a column: it is what is embedded")
        return columns

    @field_validator("keep")
    @classmethod
    def _names_are_free(cls, keep: list[str]) -> list[str]:
        if taken := sorted(TAKEN.intersection(keep)):
            raise ValueError(f"{', '.join(taken)}: the dataset has a column of that name already")
        if len(set(keep)) != len(keep):
            raise ValueError("a column is named twice")
        return keep


def fingerprint(source: Source[Any], config: BaseModel, content: object) -> str:
    """Hash ``content``, which is JSON, together with the options that change what is read from it."""
    options = config.model_dump(mode="json", exclude=set(source.location))
    hashed = {"source": source.name, "version": source.version, "options": options, "content": content}
    return hashlib.sha256(json.dumps(hashed, sort_keys=True).encode()).hexdigest()
