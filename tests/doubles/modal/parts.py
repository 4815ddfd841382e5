"""Parts: what a control plane consists of, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doubles.modal.apps import Apps
from doubles.modal.blobs import Blobs
from doubles.modal.calls import Calls
from doubles.modal.containers import Containers
from doubles.modal.dicts import Dicts
from doubles.modal.functions import Functions
from doubles.modal.images import Images
from doubles.modal.keeper import Keeper
from doubles.modal.layouts import Layouts
from doubles.modal.ledger import Ledger
from doubles.modal.lives import Lives
from doubles.modal.machines import Machines
from doubles.modal.mounts import Mounts
from doubles.modal.news import News
from doubles.modal.numbering import Numbering
from doubles.modal.rpc import Service
from doubles.modal.stand_ins import StandIns
from doubles.modal.supplies import Supplies
from doubles.modal.variants import Variants
from doubles.modal.volume_files import VolumeFiles
from doubles.modal.volumes import Volumes
from doubles.modal.wire import Wire
from doubles.modal.work import Work
from doubles.modal.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path


class Parts:
    """All parts; each knows those it needs, and none knows its callers.

    Args:
        folder: For their files.
        idle_seconds: How long a container may idle.

    Attributes:
        apps, containers, dicts, functions, images, ledger, machines, stand_ins, volumes, wire, work, workspace: What
            there is and was.
    """

    def __init__(self, folder: Path, idle_seconds: float) -> None:
        number, news = Numbering(), News()
        self.wire = Wire()
        self.blobs = Blobs(folder / "blobs", number)
        self.workspace = Workspace(number)
        self.images = Images(number)
        self.machines = Machines(self.images)
        self.apps = Apps(number, news)
        self.functions = Functions(number)
        self.ledger = Ledger(number, news)
        self.stand_ins = StandIns(self.functions, self.ledger)
        self.containers = Containers(self.functions, news)
        self.work = Work(self.ledger, self.containers, news)
        self.dicts = Dicts(number)
        self.volumes = Volumes(folder / "volumes", self.containers, number)
        mounts, layouts = Mounts(self.blobs, number), Layouts(self.apps, self.functions)
        self._answering = (
            *(self.workspace, self.blobs, mounts, self.images, self.apps, layouts, self.volumes, self.containers),
            *(
                self.dicts,
                self.functions,
                Variants(self.functions, number),
                VolumeFiles(self.volumes, self.blobs, number),
            ),
            *(Calls(self.ledger, self.functions, news), self.work),
        )
        lives = Lives(
            folder=folder / "c",
            number=number,
            serve=self.service,
            containers=self.containers,
            machines=self.machines,
            supplies=Supplies(layouts, self.images, mounts, self.volumes, self.workspace),
            ledger=self.ledger,
            apps=self.apps,
        )
        self.keeper = Keeper(
            functions=self.functions,
            ledger=self.ledger,
            containers=self.containers,
            lives=lives,
            machines=self.machines,
            apps=self.apps,
            stand_ins=self.stand_ins,
            news=news,
            idle_seconds=idle_seconds,
        )

    def service(self, caller: str) -> Service:
        """Return the control plane as a container sees it, or, for an empty string, a laptop."""
        return Service(self._answering, caller, self.wire)
