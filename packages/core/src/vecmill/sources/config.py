"""SourceConfig: the options every source has."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from vecmill.protocols import Options
from vecmill.records.terms import Words

Role = Literal["id", "text", "url", "title"]
ROLES: tuple[Role, ...] = ("id", "text", "url", "title")
TAKEN = frozenset({*ROLES, "problem", "chunk_index", "start", "end", "tokens", "embedding"})


class SourceConfig(Options):
    """Options of every source.

    Attributes:
        limit: Read only the first so many documents, in source order.
        columns: Where our ``id``, ``text``, ``url`` and ``title`` are found, if the file calls them
            otherwise: ``{"text": "body"}``. An empty name leaves a column out: ``{"id": ""}`` numbers the rows.
        keep: More columns to carry along into the dataset. They keep their types, but for those that not every reader
            knows: a map becomes a list of pairs, a dictionary its values, a column of nulls strings.
        license: Identifiers of the text's licences as the Hub writes them, such as ``cc-by-sa-4.0``, for the card; by
            default what the source itself says.
        language: Codes of its languages, such as ``en``, in the same way.
    """

    limit: Annotated[int, Field(gt=0, lt=2**63, strict=True)] | None = None
    columns: dict[Role, str] = Field(default_factory=dict)
    keep: list[str] = Field(default_factory=list)
    license: Words = ()
    language: Words = ()

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


class FilesConfig(SourceConfig):
    """Options of a source that reads files of this machine.

    Attributes:
        path: A file, a folder, a glob pattern, or a list of them; read in this order, names sorted. In a folder hidden
            files are left out, and links to other folders are followed.
    """

    path: str | list[str]
