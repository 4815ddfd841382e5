"""Terms: whose language a text is in, and under which licences it may be used."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from vecmill.records.bounds import Line, Word

Words: TypeAlias = Annotated[
    tuple[Word, ...],
    Field(max_length=10_000),
    BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
]
"""Some words; one alone may stand without a list."""


class Terms(BaseModel):
    """What a dataset's card says of a text's licence and language, in the Hub's words.

    Attributes:
        license: Identifiers of the licences; empty if none is stated.
        license_name: Of a licence that the Hub calls ``other``.
        license_link: Where to read that licence.
        language: Codes of the languages.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    license: Words = ()
    license_name: Line = ""
    license_link: Line = ""
    language: Words = ()

    def but(self, license: tuple[str, ...] = (), language: tuple[str, ...] = ()) -> Terms:  # noqa: A002 - the Hub's word
        """Return these terms with other words, where there are any."""
        named = Terms(license=license) if license else self.model_copy(update={"language": ()})
        return named.model_copy(update={"language": language or self.language})
