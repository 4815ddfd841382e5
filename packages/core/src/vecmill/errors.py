"""Errors: what vecmill raises, each with the exit code of the command line.

VecmillError
    ├── ConfigError         a job file, an option or a command line is wrong: nothing was started
    ├── PluginError         a plugin could not be loaded, or broke a protocol
    ├── SourceError         the corpus could not be read
    │   └── ReuseError      an earlier dataset holds other vectors than the model gives
    ├── ReadError           a source failed with an error of its own; the shard may be tried again
    ├── ModelError          the model's files are missing, damaged or of an unknown kind
    ├── EmbedError          these texts could not be embedded; others may
    ├── EngineError         the engine itself failed; the shard may be tried again
    │   └── UnfitEngineError    the engine refuses whatever it is given; another attempt would fail too
    ├── StoreError          the dataset folder could not be used
    ├── RunError            the run ended without a complete dataset
    └── PublishError        the dataset is complete, but could not be published

A message says what happened, to which item, and what to do. An error is ``final`` if another attempt at the shard would
meet it again.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")


class VecmillError(Exception):
    """The root of the tree.

    Attributes:
        exit_code: What the command line ends with.
        final: Whether another attempt at the same shard would meet the same error.
    """

    exit_code = 1
    final = False


class ConfigError(VecmillError):
    """A job file, an option or a command line is wrong. Nothing was started."""

    exit_code = 2
    final = True


class PluginError(VecmillError):
    """A plugin could not be loaded, or does not keep to its protocol."""

    final = True


class PluginWarning(RuntimeWarning):
    """A plugin failed at what a run does not need, and the run goes on."""


class SourceWarning(RuntimeWarning):
    """Something in the corpus's folder is not read, and the run goes on without it."""


class SourceError(VecmillError):
    """The corpus could not be read: a file is missing, truncated or not what it says."""

    final = True


class ReuseError(SourceError):
    """An earlier dataset holds other vectors than the model gives: nothing of it is used again.

    Attributes:
        HEAD: What its message begins with, by which a driver recognises it among the errors of its workers.
    """

    HEAD = "no vector is taken from"


class ReadError(VecmillError):
    """A source failed with another error, such as a library's: the shard may be tried again."""


class ModelError(VecmillError):
    """The model's files are missing, damaged, or of a kind the embedder does not know."""

    final = True


class EmbedError(VecmillError):
    """These texts could not be embedded. The worker splits the batch down to the refused one."""


class EngineError(VecmillError):
    """The engine failed, whatever the text: the shard may be tried again."""


class UnfitEngineError(EngineError):
    """The engine refuses whatever it is given: other attempts and other shards would meet the same."""

    final = True


class StoreError(VecmillError):
    """The dataset folder cannot be used: not writable, locked, full, or of another run."""

    final = True


class RunError(VecmillError):
    """The run ended without a complete dataset. The message says what is missing."""


class PublishError(VecmillError):
    """The dataset is complete, but could not be published."""


@contextmanager
def name_errors(what: str, kind: type[VecmillError], advice: str) -> Iterator[None]:
    """Turn an error that a plugin raises, its own or a library's, into one of vecmill's.

    An error of vecmill's passes unchanged; so do a lack of memory and an interrupt.

    Args:
        what: Which plugin failed, and at which call.
        kind: The error to raise.
        advice: What to do.
    """
    try:
        yield
    except (VecmillError, MemoryError):
        raise
    except Exception as error:
        raise kind(f"{what}: {describe_error(error)}: {advice}") from error


def describe_error(error: BaseException) -> str:
    """Return the kind and the text of an error that is not vecmill's, as one line: some libraries write several."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def check_result(value: object, kind: type[T], role: str, name: str, call: str) -> T:
    """Return what a component gave, if it is of the type that its protocol says.

    Args:
        value: What it gave.
        kind: What it should be.
        role: What the component is: ``source``, ``embedder`` and so on.
        name: The component's name.
        call: At which call.

    Raises:
        PluginError: It is something else.
    """
    if not isinstance(value, kind):
        raise PluginError(
            f"the {role} {name!r} gave {type(value).__name__}, not {kind.__name__}, at {call}: report it to the "
            f"{role}'s author"
        )
    return value
