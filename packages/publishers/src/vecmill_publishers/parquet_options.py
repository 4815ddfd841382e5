"""ParquetOptions: where on this machine a dataset goes."""

from __future__ import annotations

from vecmill.protocols import Options


class ParquetOptions(Options):
    """Where the dataset goes.

    Attributes:
        path: A folder; ``~`` is the home folder. It is made if need be.
        force: Replace another dataset of vecmill's that is in the folder. What vecmill did not write stays.
    """

    path: str
    force: bool = False
