"""Quality: what a dataset is like to search, measured on the dataset itself."""

from vecmill.quality.measure import measure
from vecmill.quality.report import Report

__all__ = ["Report", "measure"]
