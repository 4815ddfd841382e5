"""The embedding model as files: what it is, how it pools, how it counts tokens."""

from vecmill.models.folder import ModelFolder
from vecmill.models.pipeline import Dense, Pipeline, Prompts
from vecmill.models.reference import describe_model, open_model

__all__ = ["Dense", "ModelFolder", "Pipeline", "Prompts", "describe_model", "open_model"]
