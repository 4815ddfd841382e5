"""Model: what a model is, what it gives for a text, and how that is compared.

Before it stand the bounds of what the fields of any record may hold. A manifest may come from anywhere, and so may the
files with it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self, TypeAlias, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from vecmill.records.documents import CHUNK_COLUMNS, DOCUMENT_COLUMNS, VECTOR_COLUMN

MOST = 2**53
"""The greatest count: every reader of JSON takes it as it is."""
DEEPEST = 64
"""Tables in tables of a recipe or an identity."""


def check_tree(value: Any) -> Any:  # noqa: ANN401 - JSON is anything
    """Return a tree of JSON values that is not nested too deeply to be compared, shown and written.

    Raises:
        ValueError: It is.
    """
    level = [value]
    for _ in range(DEEPEST):
        level = [item for each in level for item in _branches(each)]
        if not level:
            return value
    raise ValueError(f"it is nested more than {DEEPEST} deep")


def check_time(text: str) -> str:
    """Return a time as ISO 8601 writes it.

    Raises:
        ValueError: It is none.
    """
    datetime.fromisoformat(text)
    return text


def _branches(value: Any) -> list[Any]:  # noqa: ANN401 - (the same)
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [item for item in items if isinstance(item, dict | list)]


Count: TypeAlias = Annotated[int, Field(ge=0, le=MOST)]
Amount: TypeAlias = Annotated[float, Field(ge=0, le=MOST, allow_inf_nan=False)]
Dimension: TypeAlias = Annotated[int, Field(ge=1, le=1 << 20)]
MaxTokens: TypeAlias = Annotated[int, Field(ge=1, le=10**30)]
"""A tokenizer without a limit says so by a number of thirty digits."""
Word: TypeAlias = Annotated[str, StringConstraints(max_length=256)]
Line: TypeAlias = Annotated[str, StringConstraints(max_length=4096)]
Text: TypeAlias = Annotated[str, StringConstraints(max_length=1 << 20)]
RunId: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_]{1,64}$")]
Sha256: TypeAlias = Annotated[str, StringConstraints(pattern=r"^(?:[0-9a-f]{64})?$")]
"""In hex; empty for a file that nobody has hashed yet."""
Time: TypeAlias = Annotated[str, StringConstraints(max_length=64), AfterValidator(check_time)]
Tree: TypeAlias = Annotated[dict[str, Any], AfterValidator(check_tree)]
Words: TypeAlias = Annotated[
    tuple[Word, ...],
    Field(max_length=10_000),
    BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
]
"""Some words; a single one needs no list."""


Similarity: TypeAlias = Literal["cosine", "dot", "euclidean", "manhattan"]
"""How two vectors are compared: two of them are products, two are distances."""
SIMILARITIES: tuple[Similarity, ...] = get_args(Similarity)
ColumnName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][0-9A-Za-z_]{0,63}$")]


class Output(BaseModel):
    """What a model gives for each text: a column of the dataset.

    Attributes:
        name: The column.
        kind: ``dense``: one vector of the same width for every text.
        dimension: Width of a vector.
        dtype: Type of its numbers.
        normalized: Whether vectors have unit length.
        similarity: How two are compared: by ``cosine`` or ``dot``, of which the larger is nearer, or by their
            ``euclidean`` or ``manhattan`` distance.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: ColumnName = VECTOR_COLUMN
    kind: Literal["dense"] = "dense"
    dimension: Dimension
    dtype: Literal["float32"] = "float32"
    normalized: bool
    similarity: Similarity

    @model_validator(mode="after")
    def _check_name(self) -> Self:
        if self.name in {*DOCUMENT_COLUMNS, *CHUNK_COLUMNS}:
            raise ValueError(f"an output is called {self.name!r}, as another column of every dataset is")
        return self


class ModelInfo(BaseModel):
    """A model at a revision, and how its vectors are made and compared.

    A model that states no ``outputs`` has one, ``embedding``, of its dimension; one that states no ``similarity`` is
    compared by ``cosine`` where its vectors have unit length, and by ``dot`` where they have not. Manifests of the
    first versions state neither.

    Attributes:
        id: Hub id, ``package:`` reference or folder, as the job names it.
        revision: Commit sha on the Hub, or ``sha256:…`` of a folder's weights.
        dimension: Width of a vector.
        max_tokens: Longest input in tokens, special tokens included.
        pooling: ``mean``, ``cls`` or ``lasttoken``.
        normalized: Whether vectors have unit length.
        prompt: Put in front of every embedded document.
        query_prompt: Put in front of a search query.
        precision: Arithmetic that made the vectors, such as ``bf16``.
        files: The sha256, in hex, of the files besides the weights that decide the vectors, by name.
        outputs: What it gives for each text; one output for now.
        similarity: That of its output.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: Line
    revision: Word | None
    dimension: Dimension
    max_tokens: MaxTokens
    pooling: Word
    normalized: bool
    prompt: Text = ""
    query_prompt: Text = ""
    precision: Word | None = None
    files: dict[Line, Word] = Field(default_factory=dict)
    outputs: Annotated[tuple[Output, ...], Field(max_length=1)] = ()
    similarity: Similarity | None = None

    @property
    def output(self) -> Output:
        """The one output."""
        return self.outputs[0]

    @model_validator(mode="after")
    def _derive_output(self) -> Self:
        """Fill in what is not stated, and refuse what is stated in two ways."""
        if not self.outputs:
            similarity = self.similarity or ("cosine" if self.normalized else "dot")
            output = Output(dimension=self.dimension, normalized=self.normalized, similarity=similarity)
            object.__setattr__(self, "outputs", (output,))
        if self.similarity is None:
            object.__setattr__(self, "similarity", self.output.similarity)
        for key in ("dimension", "normalized", "similarity"):
            mine, its = getattr(self, key), getattr(self.output, key)
            if mine != its:
                raise ValueError(f"{key} is {mine}, and that of the output {self.output.name!r} is {its}")
        return self


def describe_weights(model: ModelInfo) -> dict[str, Any]:
    """Return what of a model decides the bytes of a shard: a part of a run's identity.

    How vectors are compared decides none of them. Nor do outputs that say what ``dimension`` and ``normalized`` say:
    they are left out, so that runs of versions without them stay the same runs.
    """
    described = model.model_dump(exclude={"id", "files", "outputs", "similarity"})
    implied = Output(dimension=model.dimension, normalized=model.normalized, similarity=model.output.similarity)
    if model.output == implied:
        return described
    return described | {"outputs": [output.model_dump(exclude={"similarity"}) for output in model.outputs]}
