"""Retrieval: the passages of a dataset nearest to a query."""

from vecmill.retrieval.query import QueryEmbedder, embed_queries, embed_query
from vecmill.retrieval.searcher import Passage, Searcher, search

__all__ = ["Passage", "QueryEmbedder", "Searcher", "embed_queries", "embed_query", "search"]
