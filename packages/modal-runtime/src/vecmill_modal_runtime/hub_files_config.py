"""HubFilesConfig: which dataset of the Hub, and where its files lie."""

from __future__ import annotations

from vecmill.sources.options import FilesConfig


class HubFilesConfig(FilesConfig):
    """Options of files that were downloaded from the Hub.

    Attributes:
        repo: The dataset.
        config: Its configuration, if it has several.
        split: Its split.
        revision: The commit.
    """

    repo: str
    config: str | None = None
    split: str = "train"
    revision: str
