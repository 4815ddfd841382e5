"""The embedding model as files: what it is, how it pools, how it counts tokens."""

from vecmill.models.folder import ModelFolder
from vecmill.models.opening import describe_model, open_model
from vecmill.models.pipeline import Dense, Pipeline
from vecmill.models.prompts import Prompts

__all__ = ["Dense", "ModelFolder", "Pipeline", "Prompts", "describe_model", "open_model"]
