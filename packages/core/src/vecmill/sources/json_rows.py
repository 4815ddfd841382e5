"""JsonRows: lines of JSON, made documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from vecmill.sources.batches import Row
from vecmill.sources.json_schema import NotJsonError, kind, parse, unicode
from vecmill.sources.options import ROLES

if TYPE_CHECKING:
    from vecmill.sources.files import File
    from vecmill.sources.json_schema import Shape
    from vecmill.sources.lines import Line
    from vecmill.sources.options import SourceConfig


class FaultError(ValueError):
    """A row cannot be a document; the message goes on after "line 12"."""


class Fields(NamedTuple):
    """A JSON object, and whether all its strings are sure to be valid Unicode."""

    values: dict[str, Any]
    sure: bool

    def get(self, key: str) -> Any:  # noqa: ANN401 (JSON is anything)
        """Return a value, null if there is none.

        Raises:
            FaultError: It holds what is not Unicode.
        """
        value = self.values.get(key)
        if not self.sure and not unicode(value):
            raise FaultError(f"has a lone surrogate in its {key!r}, which is not valid Unicode")
        return value


class JsonRows:
    """Reads lines by the source's options and the shape found when planning."""

    def __init__(self, config: SourceConfig, shape: Shape) -> None:
        self._keys: dict[str, str] = {role: config.columns.get(role, role) for role in ROLES}
        self._shape = shape

    def row(self, file: File, line: Line, number: int) -> Row:
        """Return a line as a document; if it cannot be one, with the problem.

        Args:
            file: The line's file.
            line: The line.
            number: The document's number in the source.
        """
        name: str | None = f"{file.name}:{line.line}"
        try:
            fields = _fields(line.data)
            name = self._id(fields, number)
            text, url, title = (self._string(fields, role) for role in ("text", "url", "title"))
            keep = [fields.get(field.name) for field in self._shape.keep]
        except (NotJsonError, FaultError) as error:
            return Row(name, problem=f"{file.name} line {line.line} {error}")
        return Row(name, text, url, title, None, keep, len(line.data))

    def _id(self, fields: Fields, number: int) -> str | None:
        found = self._string(fields, "id")
        return str(number) if found is None and self._shape.numbered else found

    def _string(self, fields: Fields, role: str) -> str | None:
        value = fields.get(self._keys[role]) if self._keys[role] else None
        if value is None or isinstance(value, str):
            return value
        if role != "text" and type(value) is int:
            return str(value)
        raise FaultError(
            f"has {kind(value)} as its {role}, not a string{'' if role == 'text' else ' or a whole number'}"
        )


def _fields(data: bytes) -> Fields:
    values, sure = parse(data)
    if not isinstance(values, dict):
        raise FaultError(f"holds {kind(values)}, not an object")
    return Fields(values, sure)
