"""Options: what a job file sets. In a module of its own, for pydantic takes longer to import than all protocols do."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """Base of every component's ``Config``: unknown keys are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())
