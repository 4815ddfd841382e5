"""HubOptions: where on the Hub a dataset goes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from vecmill.protocols import Options
from vecmill.records.manifest import Words


class HubOptions(Options):
    """Where the dataset goes, and what its card says beyond the manifest.

    Attributes:
        repo: ``user/name`` or ``organisation/name``. It is created if need be.
        private: Whether a repo that is created is private.
        branch: The branch that readers read. It is created if need be.
        keep_runs: How many runs stay on the branch, the new one included; every run keeps its tag.
        force: Publish to a repo that holds something else. Its card and ``manifest.json`` are replaced, its
            other files stay.
        readme: A Markdown file with text of your own for the card; without it, what the card has stays.
        vectors: Further configurations with the same rows and smaller vectors.
        from_workers: Whether each worker sends the shards that it makes, with a token of its own, so that the driver
            sends none. The repo is then created before the work.
        license: Identifiers of the text's licences; by default those that the source states.
        language: Codes of the text's languages; by default those that the source states.
        pretty_name: The dataset's name for people.
    """

    repo: str
    private: bool = False
    branch: str = Field("main", min_length=1)
    keep_runs: int = Field(1, ge=1)
    force: bool = False
    readme: str | None = None
    vectors: tuple[Literal["float16", "int8"], ...] = ()
    from_workers: bool = False
    license: Words = ()
    language: Words = ()
    pretty_name: str = ""
