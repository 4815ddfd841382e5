"""The job: from a job file to a finished, published dataset."""

from vecmill.job.config import Job
from vecmill.job.runner import run

__all__ = ["Job", "run"]
