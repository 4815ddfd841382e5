"""LanceDB for vecmill: publish a dataset as a table, and embed queries for it."""

from vecmill_lancedb.publisher import LanceDBPublisher
from vecmill_lancedb.table import query_vector

__all__ = ["LanceDBPublisher", "query_vector"]
