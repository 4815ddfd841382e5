"""The worker: the one function that does a shard, the same everywhere."""

from vecmill.worker.worker import Worker

__all__ = ["Worker"]
