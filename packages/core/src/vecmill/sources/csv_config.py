"""CsvConfig: CSV files, and what stands between their fields."""

from __future__ import annotations

from pydantic import Field, field_validator

from vecmill.sources.config import FilesConfig


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
