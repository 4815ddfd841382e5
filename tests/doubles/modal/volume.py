"""Volume: one committed state, and a view of it for every container."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modal_proto import api_pb2

from doubles.modal.files import Stamp, copy, link, stamp, stamps

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass
class View:
    """A container's own copy of a Volume, with times of its own, as nobody says that Modal keeps a file's.

    Attributes:
        path: Where it is.
        agreed: How it stood when it last agreed with a committed state.
        shown: How that state stood.
    """

    path: Path
    agreed: dict[str, Stamp] = field(default_factory=dict)
    shown: dict[str, Stamp] = field(default_factory=dict)

    def show(self, state: Path) -> None:
        """Become a copy of a committed state."""
        self.path.mkdir(parents=True, exist_ok=True)
        here, there = stamps(self.path), stamps(state)
        for name in here.keys() - there.keys():
            (self.path / name).unlink()
        for name, seen in there.items():
            if self.shown.get(name) != seen or self.agreed.get(name) != here.get(name):
                copy(state / name, self.path / name, times=False)
        self.shown, self.agreed = there, stamps(self.path)

    def changes(self) -> tuple[list[str], list[str]]:
        """Return the files that were written or changed here, and those that were removed."""
        now = stamps(self.path)
        return [name for name in now if self.agreed.get(name) != now[name]], [n for n in self.agreed if n not in now]


@dataclass
class Volume:
    """A Volume and what happened to it.

    Attributes:
        path: The committed state.
        before: The state before the last commit.
        views: By container.
        late: Views that began a commit behind.
        held: Whether ``before`` stays as it is, however many commits follow.
    """

    id: str
    name: str
    version: api_pb2.VolumeFsVersion.ValueType
    path: Path
    before: Path
    views: dict[str, View] = field(default_factory=dict)
    commits: int = 0
    reloads: int = 0
    late: int = 0
    held: bool = False

    @property
    def metadata(self) -> api_pb2.VolumeMetadata:
        """What a client is told of it."""
        return api_pb2.VolumeMetadata(version=self.version, name=self.name)

    def mount(self, container: str, path: Path, *, behind: bool) -> None:
        """Give a container its view; behind: as of the commit before the last one."""
        behind = behind and stamps(self.before) != stamps(self.path)
        self.late += behind
        self.views[container] = View(path)
        self.views[container].show(self.before if behind else self.path)

    def hold(self) -> None:
        """Show views that begin behind how it is now, until they reload, whatever is committed meanwhile."""
        link(self.path, self.before)
        self.held = True

    def commit(self, view: View) -> None:
        """Put a view's changes into the committed state; on a file that two views changed the last one wins."""
        written, removed = view.changes()
        if (written or removed) and not self.held:
            link(self.path, self.before)
        for name in written:
            copy(view.path / name, self.path / name)
            view.shown[name] = stamp(self.path / name)
        for name in removed:
            self._remove(name, view)
        view.agreed = stamps(view.path)
        self.commits += 1

    def _remove(self, name: str, view: View) -> None:
        """Remove a file, and the folders that the view has removed with it."""
        gone = self.path / name
        gone.unlink(missing_ok=True)
        for folder in gone.relative_to(self.path).parents:
            if (
                (view.path / folder).exists()
                or not (self.path / folder).is_dir()
                or any((self.path / folder).iterdir())
            ):
                break
            (self.path / folder).rmdir()

    def reload(self, view: View) -> None:
        """Bring a view up to the committed state; what it has not committed is committed first."""
        self.commit(view)
        view.show(self.path)
        self.reloads += 1

    def put(self, name: str, blocks: Iterable[Path]) -> None:
        """Write a file of the committed state, put together from blocks."""
        link(self.path, self.before)
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.put")
        partial.write_bytes(b"".join(block.read_bytes() for block in blocks))
        partial.replace(target)
