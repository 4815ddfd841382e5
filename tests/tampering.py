"""A finished dataset in the hands of somebody who changes it, and knows how to hide that."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from vecmill.errors import StoreError
from vecmill.records import Manifest
from vecmill.records.manifest import hash_identity
from vecmill.store.card import format_card, read_user_section
from vecmill.store.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Leaf = tuple[str | int, ...]
"""Where a value is in a JSON document: keys and positions."""


class Copy:
    """A copy of a dataset, to tamper with.

    Attributes:
        root: Its folder.
        manifest: What its manifest says, as JSON.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.manifest: dict[str, Any] = json.loads((root / "manifest.json").read_bytes())

    def shard(self, number: int) -> Path:
        """Return the path of a shard."""
        return self.root / str(self.manifest["shards"][number]["path"])

    @property
    def quarantine(self) -> Path:
        """Return the path of the quarantine."""
        return self.root / "quarantine.parquet"

    def rewrite(self, path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
        """Change the rows of a Parquet file."""
        table = change(pq.read_table(path, partitioning=None))
        pq.write_table(table, path)

    def seal(self) -> None:
        """Write the manifest, with size, rows and sha256 of each file as they are now."""
        for entry in [
            *self.manifest["shards"],
            *([self.manifest["quarantine"]] if self.manifest["quarantine"] else []),
        ]:
            path = self.root / entry["path"]
            if path.is_file():
                content = path.read_bytes()
                entry |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
                entry["rows"] = pq.read_metadata(path).num_rows if content[:4] == b"PAR1" == content[-4:] else 0
        self.write()

    def write(self) -> None:
        """Write the manifest as it is."""
        (self.root / "manifest.json").write_text(json.dumps(self.manifest, indent=2), encoding="utf-8")

    def hide(self) -> None:
        """Give the manifest the run id of its identity, and the card that belongs to it."""
        self.manifest["run_id"] = hash_identity(self.manifest["identity"])
        self.write()
        self.remake_card()

    def remake_card(self) -> None:
        """Write the card that belongs to the manifest."""
        readme = self.root / "README.md"
        manifest = Manifest.model_validate(self.manifest)
        readme.write_text(
            format_card(manifest, user_text=read_user_section(readme.read_text("utf-8")) or ""),
            encoding="utf-8",
        )

    def is_found(self) -> bool:
        """Whether ``verify`` finds fault with it, or refuses to read it."""
        try:
            return not verify(self.root).ok
        except StoreError:
            return True


def set_cell(name: str, rows: int | list[int], value: object) -> Callable[[pa.Table], pa.Table]:
    """Return what changes the value of a column in one row of a table, or in some."""

    def change(table: pa.Table) -> pa.Table:
        values = table.column(name).to_pylist()
        for row in [rows] if isinstance(rows, int) else rows:
            values[row] = value(values[row]) if callable(value) else value
        number = table.column_names.index(name)
        field = table.schema.field(name)
        return table.set_column(number, field, pa.chunked_array([pa.array(values, field.type)]))

    return change


def leaves(tree: Any, path: Leaf = ()) -> Iterator[Leaf]:
    """Yield the path of each value of a JSON document."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    inner = [leaf for key, value in items for leaf in leaves(value, (*path, key))]
    yield from inner or [path]


def change_leaf(tree: dict[str, Any], path: Leaf) -> None:
    """Give a value of a JSON document another one of the same kind, where it has a kind."""
    holder = _holder(tree, path)
    holder[path[-1]] = _other(holder[path[-1]])


def remove_leaf(tree: dict[str, Any], path: Leaf) -> None:
    """Take a value out of a JSON document."""
    del _holder(tree, path)[path[-1]]


def _holder(tree: Any, path: Leaf) -> Any:
    for key in path[:-1]:
        tree = tree[key]
    return tree


def _other(value: object) -> object:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        return f"{value}x"
    if isinstance(value, list):
        return ["x"]
    return {"x": 1} if isinstance(value, dict) else "x"
