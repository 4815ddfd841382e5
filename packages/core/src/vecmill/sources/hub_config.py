"""HubConfig: which dataset of the Hub, and which part of it."""

from __future__ import annotations

from vecmill.sources.config import SourceConfig


class HubConfig(SourceConfig):
    """Options of a dataset of the Hub.

    Attributes:
        repo: ``user/name``.
        config: Its configuration, if it has several, such as ``20231101.en``.
        split: Its split.
        revision: A branch, a tag or a commit; by default the newest commit.
    """

    repo: str
    config: str | None = None
    split: str = "train"
    revision: str | None = None
