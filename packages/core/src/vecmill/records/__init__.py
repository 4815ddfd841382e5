"""The nouns of vecmill. They know nothing of files, models or plugins."""

from vecmill.records.account import Account
from vecmill.records.component import ComponentSpec
from vecmill.records.cost import Cost
from vecmill.records.dataset import Dataset
from vecmill.records.document import Document, Span
from vecmill.records.errand import Errand, Sent
from vecmill.records.estimate import Estimate, Pace, Range
from vecmill.records.event import (
    DocumentsRetried,
    Publishing,
    RunElsewhere,
    RunEvent,
    RunFinished,
    RunStarted,
    ShardDone,
    ShardFailed,
    ShardProgress,
    ShardRetried,
    ShardStarted,
    Spent,
    WorkerSaid,
)
from vecmill.records.manifest import FORMAT, Manifest, Reused, SourceInfo, Timing
from vecmill.records.model import ModelInfo
from vecmill.records.places import Places
from vecmill.records.progress import Progress
from vecmill.records.task import FileEntry, Partition, Receipt, ShardFailure, ShardTask, WorkSpec
from vecmill.records.terms import Terms

__all__ = [
    "FORMAT",
    "Account",
    "ComponentSpec",
    "Cost",
    "Dataset",
    "Document",
    "DocumentsRetried",
    "Errand",
    "Estimate",
    "FileEntry",
    "Manifest",
    "ModelInfo",
    "Pace",
    "Partition",
    "Places",
    "Progress",
    "Publishing",
    "Range",
    "Receipt",
    "Reused",
    "RunElsewhere",
    "RunEvent",
    "RunFinished",
    "RunStarted",
    "Sent",
    "ShardDone",
    "ShardFailed",
    "ShardFailure",
    "ShardProgress",
    "ShardRetried",
    "ShardStarted",
    "ShardTask",
    "SourceInfo",
    "Span",
    "Spent",
    "Terms",
    "Timing",
    "WorkSpec",
    "WorkerSaid",
]
