"""Component: what a job file names, what its options mean, and the protocols of all that a worker does with a shard."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, get_args

from pydantic import BaseModel, ConfigDict

from vecmill.concurrency import usable_processors
from vecmill.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from vecmill.records import Document, ModelInfo, Partition, Span, Terms


class Options(BaseModel):
    """Base of every component's ``Config``: unknown keys are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class OptionMark(Enum):
    """What an option means besides its value; it stands in the annotation, ``path: Annotated[str, LOCATION]``.

    An option without a mark decides what comes out: with another value it is another run.

    Attributes:
        LOCATION: Where something is. It is no part of a run's identity, and of a path or an address the manifest,
            which others read, shows no more than the last part.
        INCIDENTAL: How fast to go, or a statement about the result: rows and vectors are the same with any value. It is
            no part of a run's identity either.
        MACHINE: What suits the machine that embeds. It is part of a run's identity; a query that is embedded on
            another machine leaves it out.
    """

    LOCATION = "location"
    INCIDENTAL = "incidental"
    MACHINE = "machine"


LOCATION = OptionMark.LOCATION
INCIDENTAL = OptionMark.INCIDENTAL
MACHINE = OptionMark.MACHINE


class _MarkedOptions:
    """The names of a component's options with one of these marks, and those that a class names itself."""

    def __init__(self, *marks: OptionMark, named: frozenset[str] = frozenset()) -> None:
        self.marks = marks
        self.named = named

    def __get__(self, component: object, cls: type[Any]) -> frozenset[str]:
        config: type[BaseModel] = cls.Config
        if not config.__pydantic_complete__:  # a field has a type that is defined below the class
            config.model_rebuild()
        marked = {
            name
            for name, field in config.model_fields.items()
            if any(mark in self.marks for mark in (*field.metadata, *_find_marks(field.annotation)))
        }
        return self.named | marked


def _find_marks(annotation: object) -> Iterator[object]:
    """Yield what is inside of an annotation, at any depth: a mark may be on one of several types."""
    for part in get_args(annotation):
        if isinstance(part, OptionMark):
            yield part
        else:
            yield from _find_marks(part)


def marked_options(*marks: OptionMark) -> Any:  # noqa: ANN401 - to a type checker it is the set that is read
    """Return a class attribute: the names of the options that have one of these marks."""
    return _MarkedOptions(*marks)


ConfigT = TypeVar("ConfigT", bound=BaseModel)


class Component(Generic[ConfigT]):
    """Something a job file names.

    Attributes:
        name: How a job file asks for it: ``name = "paragraphs"``.
        version: Raised by its author when the same options begin to give another result.
        Config: Its options, a pydantic model. A job with other keys or types is refused.
        location: The names of the options that are marked ``LOCATION`` or ``INCIDENTAL``. A class that sets it adds to
            those. A ``pathlib.Path`` is shown to others like a ``LOCATION``, marked or not, but is part of the
            identity unless it is marked.
        config: The validated options of this instance.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    Config: ClassVar[type[BaseModel]] = Options
    location: ClassVar[frozenset[str]] = marked_options(LOCATION, INCIDENTAL)

    def __init__(self, config: ConfigT) -> None:
        self.config: ConfigT = config

    def __init_subclass__(cls, **options: object) -> None:
        """Add the names that the class gives in ``location`` or ``machine`` to those of the marked options."""
        super().__init_subclass__(**options)
        for attribute, named in list(vars(cls).items()):
            inherited = _find_marked_options(cls, attribute)
            if inherited is not None and isinstance(named, set | frozenset):
                setattr(cls, attribute, _MarkedOptions(*inherited.marks, named=frozenset(named)))

    def pinned(self) -> ConfigT:
        """Return the options with all that could move (a branch, ``"auto"``) replaced by what it means now.

        The driver calls this once; workers are given the answer, so all of them do the same.
        """
        return self.config


def _find_marked_options(cls: type[Any], attribute: str) -> _MarkedOptions | None:
    """Return what a base class has under that name, if it is the names of marked options."""
    found = next((vars(base)[attribute] for base in cls.__mro__[1:] if attribute in vars(base)), None)
    return found if isinstance(found, _MarkedOptions) else None


class Source(Component[ConfigT]):
    r"""A corpus: rows with an ``id`` and a ``text``.

    A worked example, complete but for the import lines::

        class Notes(Source["Notes.Config"]):
            name = "notes"

            class Config(Options):
                path: str

            def fingerprint(self):
                return hashlib.sha256(Path(self.config.path).read_bytes()).hexdigest()

            def partitions(self, target_bytes):
                yield Partition(where={}, bytes=Path(self.config.path).stat().st_size)

            def read(self, partition):
                notes = Path(self.config.path).read_text().split("\f")
                yield pa.record_batch({"id": [str(i) for i in range(len(notes))], "text": notes})
    """

    def count(self) -> int | None:
        """Return how many documents there are, if that is known without reading or splitting them.

        A run that reads another number fails.
        """
        return None

    def renew(self, partition: Partition) -> Partition:
        """Return a partition that an earlier command planned, with ``seen`` as it is now.

        The content is the same, because the fingerprint is; the files may have another path, or be on another machine.
        """
        return partition

    def terms(self) -> Terms:
        """Return the text's licences and languages, as far as the source knows them; for the dataset's card.

        Raises:
            SourceError: What states them could not be read.
        """
        from vecmill.records import Terms

        return Terms()

    @abstractmethod
    def fingerprint(self) -> str:
        """Return a hash of the content. Other content, another fingerprint; another path, the same one."""

    @abstractmethod
    def partitions(self, target_bytes: int) -> Iterator[Partition]:
        """Split the corpus, in order, into parts of about ``target_bytes`` of text each.

        The split depends on the content and ``target_bytes`` alone, so a resumed run finds the same parts.
        """

    @abstractmethod
    def read(self, partition: Partition) -> Iterator[pa.RecordBatch]:
        """Stream one partition's rows, in order, in batches of bounded size.

        Columns: ``id`` and ``text`` (strings), never missing; ``url`` and ``title`` (string)
        if there are any; ``problem`` (string) with a sentence for a row that could not be read, null
        for a good one; and the extra columns, which are the same in every batch of every
        partition. Nulls are allowed: the worker quarantines such rows, with the reason.

        Raises:
            SourceError: The source is damaged or has changed; names the file and the row.
        """


SEPARATORS = " \t\r\n"


class Tokenizer(ABC):
    """Counts the tokens of the embedding model and finds them in a text, exactly as the model will see them.

    Attributes:
        special_tokens: How many tokens the model adds around every text, such as ``[CLS]`` and ``[SEP]``.
        additive: Whether the counts of pieces between ``SEPARATORS`` (space, tab, return, newline; other
            whitespace may be part of a token) add up to the count of the text.
    """

    special_tokens: int
    additive: bool

    @abstractmethod
    def count(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Count each text's tokens, special tokens left out. Shape ``(len(texts),)``."""

    @abstractmethod
    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Return each text's token ids, special tokens included, nothing cut."""

    @abstractmethod
    def offsets(self, text: str) -> npt.NDArray[np.int64]:
        """Return where each token is in ``text``: shape ``(tokens, 2)``, start and end in code points."""


class Chunker(Component[ConfigT]):
    """Cuts a document into spans.

    A chunker returns spans, never text, so offsets are exact by construction. The spans are in order,
    none is empty, and together they contain all text that is not blank: whitespace, and what
    the model reads no token in. A chunk that is blank is left out. A worked example::

        class Lines(Chunker[Options]):
            name = "lines"

            def spans(self, document):
                return [Span(*m.span()) for m in re.finditer(r".+", document.text)]

    Attributes:
        template: What is embedded for a chunk, over the fields ``title`` and ``text``.
        tokenizer: The embedding model's own token counter.
        model: The embedding model: its longest input, its prompt.
    """

    template: str = "{text}"

    def __init__(self, config: ConfigT, tokenizer: Tokenizer, model: ModelInfo) -> None:
        super().__init__(config)
        self.tokenizer = tokenizer
        self.model = model

    @abstractmethod
    def spans(self, document: Document) -> Sequence[Span]:
        """Return the document's chunks, in order."""

    def title(self, document: Document) -> str:
        """Return the title as it stands in front of each chunk, if the template has one.

        It depends on the document's id and title alone, besides the options: a chunk with the same id, title and text
        keeps the vector that an earlier run gave it, whatever else changed in its document.
        """
        return document.title


_TEXT = "{text}"
_TITLE = "{title}"


def make_prefix(chunker: Chunker[Any], document: Document) -> str:
    """Return what stands in front of each chunk of ``document``: what is embedded is this and the text.

    Raises:
        PluginError: The chunker's template does not end with the text.
    """
    return chunker.model.prompt + fill_template(chunker.template, chunker.title(document))


def check_prefix(chunker: Chunker[Any], document: Document) -> None:
    """Make sure that what stands in front of a chunk does not change with the rest of its document.

    Raises:
        PluginError: It does, so that a chunk may have another vector than it had.
    """
    if make_prefix(chunker, document) != make_prefix(chunker, document._replace(text="Another text", url="")):
        raise PluginError(
            f"the chunker {chunker.name!r} makes the title of document {document.id!r} from its text or URL, so its "
            "chunks may have other vectors than an earlier dataset has for them: run without --since, and report it to "
            "the chunker's author"
        )


def fill_template(template: str, title: str) -> str:
    """Return the template up to the text; nothing, if it is about a title and the title is blank.

    Raises:
        PluginError: The template does not end with ``{text}``.
    """
    if not template.endswith(_TEXT):
        raise PluginError(f'The template "{template}" does not end with "{_TEXT}". Correct it in the chunker.')
    front = template[: -len(_TEXT)]
    if _TITLE not in front:
        return front
    return front.replace(_TITLE, title) if title.strip() else ""


class Batching(Component[ConfigT]):
    """Groups the chunks of one window into batches."""

    @abstractmethod
    def batches(self, tokens: npt.NDArray[np.int64], preferred: int) -> Iterator[npt.NDArray[np.int64]]:
        """Yield batches of indices into ``tokens``; every index is in exactly one.

        Args:
            tokens: The number of tokens of each chunk, special tokens included.
            preferred: The tokens in a batch, padding included, that the engine prefers.
        """


@dataclass(frozen=True, slots=True)
class Resources:
    """What a worker may use of its machine; a runtime gives it to the worker, and the worker to the embedder.

    Attributes:
        threads: How many threads may compute at once; None for one on each processor that the process may use.
        device: Where to compute, as the embedder names it, such as ``cuda:1``; empty to leave it to the embedder.
    """

    threads: int | None = None
    device: str = ""

    def count_threads(self) -> int:
        """Return how many threads may compute at once."""
        return self.threads or len(usable_processors())


class Embedder(Component[ConfigT]):
    """A model behind an engine.

    A worked example::

        class Counts(Embedder[Options]):
            name = "counts"

            def model(self):
                return ModelInfo(
                    id="counts", revision="1", dimension=26, max_tokens=10_000, pooling="none",
                    normalized=False, similarity="cosine",
                )

            def tokenizer(self):
                return WordTokenizer()  # of vecmill.testing

            def embed(self, texts):
                counts = [[1 + text.count(letter) for letter in string.ascii_lowercase] for text in texts]
                return np.array(counts, np.float32)

    ``model`` and ``tokenizer`` answer before ``open``; the weights are loaded by ``open`` alone. The worker
    puts the prompt in front of the text and, up to ``concurrency`` at a time, calls ``embed`` from threads.

    Attributes:
        resources: What it may use of the machine; the worker sets it before ``open``.
        batch_tokens: The tokens in a batch, padding included, at which the engine is fastest.
        machine: The names of the options that are marked ``MACHINE``. A class that sets it adds to those.
    """

    batch_tokens: ClassVar[int] = 16_384
    machine: ClassVar[frozenset[str]] = marked_options(MACHINE)
    resources: Resources = Resources()

    @abstractmethod
    def model(self) -> ModelInfo:
        """Describe the model, without loading its weights: what it gives for a text, and how that is compared.

        A worker that finds another one than the driver did makes no shard. An embedder that reads files of a folder
        puts a hash of each into ``files``: with other content it is another run.

        Raises:
            ModelError: There is no such model, or not one this embedder can run.
        """

    @abstractmethod
    def tokenizer(self) -> Tokenizer:
        """Return the model's own token counter."""

    @property
    def concurrency(self) -> int:
        """How many calls of ``embed`` the engine can use at the same time."""
        return 1

    def open(self) -> None:
        """Load the model or reach the engine. Called once in each worker, before ``embed``."""

    @abstractmethod
    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Embed texts, in order. A text over the model's limit is cut to it; the worker has asked and counted.

        Returns:
            Shape ``(len(texts), dimension)``, float32: the values of ``model().output``.

        Raises:
            EmbedError: One of these texts cannot be embedded; the worker splits the batch. Where every text is
                refused, the worker takes it for the engine's error, and shows the message.
            EngineError: The engine failed; the worker fails the shard, and it is tried again.
        """

    def close(self) -> None:
        """Free what ``open`` took."""


def group_by_tokens(tokens: npt.NDArray[np.int64], budget: int) -> Iterator[npt.NDArray[np.int64]]:
    """Group texts into batches of similar length, the longest first, so that hardly any of a batch is padding.

    An engine that splits a call in this way leaves a batch of ``token_budget`` as it is.

    Args:
        tokens: Each text's number of tokens, shape ``(n,)``.
        budget: The most tokens of a batch, padding included; a longer text is a batch alone.

    Yields:
        Indices into ``tokens``; every index is in exactly one batch.
    """
    import numpy as np

    order = np.argsort(-tokens, kind="stable")
    start = 0
    while start < len(order):
        longest = max(int(tokens[order[start]]), 1)
        end = start + max(budget // longest, 1)
        yield order[start:end]
        start = end
