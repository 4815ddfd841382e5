"""Retrieval: the passages of a dataset nearest to a query."""

from vecmill.retrieval.query import QueryEmbedder, embed_queries, embed_query
from vecmill.retrieval.row_groups import Passage
from vecmill.retrieval.scan import search
from vecmill.retrieval.searcher import Searcher

__all__ = ["Passage", "QueryEmbedder", "Searcher", "embed_queries", "embed_query", "search"]
