"""Options of the sources."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from vecmill.protocols import Options
from vecmill.records.documents import CHUNK_COLUMNS, VECTOR_COLUMN
from vecmill.records.manifest import Words

Role = Literal["id", "text", "url", "title"]
ROLES: tuple[Role, ...] = ("id", "text", "url", "title")
TAKEN = frozenset({*ROLES, *CHUNK_COLUMNS, VECTOR_COLUMN, "problem"})


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


class CsvConfig(FilesConfig):
    """Options of CSV files, which are UTF-8 and begin with a header.

    Attributes:
        delimiter: What stands between fields; by default a tab in ``.tsv`` files, a comma in others.
    """

    delimiter: str | None = Field(default=None, min_length=1, max_length=1)

    @field_validator("delimiter")
    @classmethod
    def _is_no_quote_or_newline(cls, value: str | None) -> str | None:
        if value is not None and value in '"\r\n\0':
            raise ValueError("a quote or a newline cannot stand between fields")
        return value


class HubConfig(SourceConfig):
    """Options of a dataset of the Hub.

    Attributes:
        repo: ``user/name``.
        config: Its configuration, if it has several, such as ``20231101.en``.
        split: Its split.
        revision: A branch, a tag or a commit; by default the newest commit.
    """

    repo: str
    config: str | None = None
    split: str = "train"
    revision: str | None = None


class SavedConfig(FilesConfig):
    """Options of a saved dataset.

    Attributes:
        path: The folder given to ``save_to_disk``.
        split: Which split, if it holds several.
    """

    path: str
    split: str | None = None
