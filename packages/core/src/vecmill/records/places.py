"""Places: what of a run is known on the machine that made it, and nowhere else."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from vecmill.records.bounds import Tree, Word

SOMEWHERE = ".../"
"""Stands for the folders that a file or a folder is in."""


class Places(BaseModel):
    """Where a dataset's model is on this machine: a folder, an address.

    Attributes:
        run_id: Of the run that they belong to.
        embedder: Options of the embedder, in place of what the recipe says.
        fault: Why they cannot be known, if they cannot.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    run_id: Word = ""
    embedder: Tree = Field(default_factory=dict)
    fault: str = Field("", exclude=True)
