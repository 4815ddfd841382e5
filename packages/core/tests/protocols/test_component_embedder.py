"""Tests of vecmill.protocols: the embedder, its docstring's example."""

import inspect
import string
import textwrap
from typing import Any

import numpy as np

from vecmill import Embedder, ModelInfo, Options
from vecmill.testing import WordTokenizer, check_embedder


def test_the_worked_example_is_an_embedder():
    """As it stands in the docstring: its vectors are not normalised, and compared by the cosine."""
    example = inspect.getdoc(Embedder).partition("::\n\n")[2].partition("\n\n``model``")[0]
    space: dict[str, Any] = {"Embedder": Embedder, "ModelInfo": ModelInfo, "Options": Options, "np": np}
    space |= {"WordTokenizer": WordTokenizer, "string": string}
    exec(textwrap.dedent(example), space)  # noqa: S102 - it is our own
    embedder = space["Counts"](Options())
    check_embedder(embedder, ["one", "two", "three"])
    output = embedder.model().output
    assert (output.name, output.dimension, output.normalized, output.similarity) == ("embedding", 26, False, "cosine")
