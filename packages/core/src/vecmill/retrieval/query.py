"""Query: questions embedded by the model of a dataset, and who says which model that is.

A manifest may come from anywhere. An address, a token's use and a model come from the reader, from a run of the
reader's, or from a yes to a question; never from the manifest alone.
"""

from __future__ import annotations

import contextlib
import enum
import os
import re
import shlex
import types
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Self, Union, get_args, get_origin

from vecmill.errors import ConfigError, ModelError
from vecmill.models.reference import without_token
from vecmill.plugins import load
from vecmill.plugins.registry import build
from vecmill.records import ComponentSpec
from vecmill.records.manifest import SOMEWHERE
from vecmill.store.state import STATE_FOLDER, can_register, find_run
from vecmill.tei.embedder import URL, check_address
from vecmill.worker.embedding import check_model, name_embedder_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from vecmill.plugins import Registry
    from vecmill.protocols import Embedder
    from vecmill.records import Manifest, ModelInfo


class QueryEmbedder:
    """A dataset's own model, loaded, for questions to any index of its vectors.

    A manifest from another machine decides nothing: the model, and the address if the embedder has one, come from a run
    that this user made on this machine, from ``model`` and ``embedder``, or from a yes of ``confirm``.

    Use it as a context manager, or call ``close``. Calls may come from many threads.

    Args:
        manifest: The dataset's.
        model: The dataset's model: a Hub id, or where it is on this machine.
        embedder: The embedder's name, such as ``"openvino"``, or its options, such as ``{"url": "http://…"}``.
        confirm: Given a question, whether to use what nobody but the manifest names; without it, that is refused.

    Raises:
        ModelError: The model is not to be had here, is another, or is named by nobody but the manifest.
    """

    def __init__(
        self,
        manifest: Manifest,
        *,
        model: str | None = None,
        embedder: str | Mapping[str, Any] | None = None,
        confirm: Callable[[str], bool] | None = None,
    ) -> None:
        self._prompt = manifest.model.query_prompt
        self._embedder = open_embedder(manifest, model=model, embedder=embedder, confirm=confirm)

    def embed(self, queries: Sequence[str]) -> npt.NDArray[np.float32]:
        """Embed questions, with the model's prompt for queries; shape ``(queries, dimension)``."""
        with name_embedder_errors(self._embedder, f"embed() of {len(queries)} queries"):
            return self._embedder.embed([self._prompt + query for query in queries])

    def close(self) -> None:
        """Free the model."""
        self._embedder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_embedder(
    manifest: Manifest,
    *,
    model: str | None = None,
    embedder: str | Mapping[str, Any] | None = None,
    confirm: Callable[[str], bool] | None = None,
) -> Embedder[Any]:
    """Open the embedder of a dataset, which the caller closes; arguments and errors are those of ``QueryEmbedder``."""
    choice = choose_embedder(manifest, load().registry, Reader(model, embedder, confirm))
    with without_token() if choice.anonymous else contextlib.nullcontext():
        return _open(choice, manifest.model)


def embed_query(
    manifest: Manifest,
    query: str,
    *,
    model: str | None = None,
    embedder: str | Mapping[str, Any] | None = None,
    confirm: Callable[[str], bool] | None = None,
) -> npt.NDArray[np.float32]:
    """Embed a query as the dataset's model wants it, with its prompt for queries.

    The model is loaded for each call: ``embed_queries`` takes several at once, a ``QueryEmbedder`` one after another.

    Args:
        manifest: The dataset's.
        query: A question.
        model: The dataset's model, as in ``QueryEmbedder``.
        embedder: Its embedder, in the same way.
        confirm: Asked about what nobody but the manifest names.

    Returns:
        Shape ``(dimension,)``, float32.

    Raises:
        ModelError: As ``QueryEmbedder``.
    """
    vectors = embed_queries(manifest, [query], model=model, embedder=embedder, confirm=confirm)
    vector: npt.NDArray[np.float32] = vectors[0]
    return vector


def embed_queries(
    manifest: Manifest,
    queries: Sequence[str],
    *,
    model: str | None = None,
    embedder: str | Mapping[str, Any] | None = None,
    confirm: Callable[[str], bool] | None = None,
) -> npt.NDArray[np.float32]:
    """Embed queries as ``embed_query`` does, with the model loaded once; shape ``(queries, dimension)``."""
    with QueryEmbedder(manifest, model=model, embedder=embedder, confirm=confirm) as opened:
        return opened.embed(queries)


def _open(choice: Choice, wanted: ModelInfo) -> Embedder[Any]:
    """Open an embedder, if it is of the model that made the dataset."""
    spec = ComponentSpec(name=choice.name, options=choice.options)
    embedder: Embedder[Any] = build(load().registry, "embedder", spec)
    with name_embedder_errors(embedder, "model()"):
        found = check_model(embedder)
    _refuse_another(found, wanted)
    with name_embedder_errors(embedder, "open()"):
        embedder.open()
    return embedder


def _refuse_another(found: ModelInfo, wanted: ModelInfo) -> None:
    """Refuse a model that is not the one that made a dataset; of its files those count that both name."""
    compared = [
        ("its dimension", found.dimension, wanted.dimension),
        ("its revision", found.revision, wanted.revision),
        *((f"the sha256 of its {name}", digest, wanted.files.get(name)) for name, digest in found.files.items()),
    ]
    for what, here, there in compared:
        if here != there and there is not None:
            raise ModelError(
                f"the model {found.id!r} is not the one that made the dataset: {what} is {here}, and that of the "
                f"dataset's is {there}. Name the right one with --model, or in Python with model=…"
            )


SHARED = frozenset({"model", "revision", "prompt"})
"""Options that mean the same to every embedder that has them."""
HARMLESS = frozenset({"revision", "prompt"})
"""Texts that lead nowhere: which version of a model, and what is put in front of a document."""
_ADDRESS = re.compile(
    r"\s*(?:[A-Za-z][A-Za-z0-9+.-]*://|//|\\\\|\[[\dA-Fa-f:.]+\]|[\w.-]+:\d{1,5}(?:/|\s*$)|(?:\d{1,3}\.){3}\d{1,3}(?:[:/]|\s*$))"
)
"""What has the form of an address: a scheme, a share, a host with its port, a number of the network."""
LONGEST = 1000
"""Characters of an option that a person is asked about: what is longer, nobody reads to its end."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An embedder for queries.

    Attributes:
        name: How it is registered.
        options: Its options.
        anonymous: Whether its model is fetched without the reader's token, as the reader has not named it.
    """

    name: str
    options: dict[str, Any]
    anonymous: bool


class Reader:
    """What the reader says of the embedder.

    Args:
        model: A folder, a Hub id or a ``package:`` reference.
        embedder: The embedder's name, or its options, ``name`` among them if it is another.
        confirm: Asked whether to use what nobody but the manifest names; ``None`` to refuse it.
    """

    def __init__(
        self, model: str | None, embedder: str | Mapping[str, Any] | None, confirm: Callable[[str], bool] | None
    ) -> None:
        stated = {"name": embedder} if isinstance(embedder, str) else dict(embedder or {})
        self.name: str | None = stated.pop("name", None)
        self.options: dict[str, Any] = stated if model is None else {**stated, "model": model}
        self.confirm = confirm


def choose_embedder(manifest: Manifest, registry: Registry, reader: Reader) -> Choice:
    """Choose the embedder of a dataset's queries.

    Args:
        manifest: The dataset's.
        registry: What is installed.
        reader: What the reader says of it, which goes before everything else.

    Raises:
        ConfigError: There is no such embedder.
        ModelError: Nobody but the manifest names the model or an address.
    """
    own = find_run(manifest.run_id)
    recipe = dict(manifest.recipe["embedder"])
    there = recipe["name"] if own is None else own.name
    name = reader.name or there
    component = registry.get("embedder", name)
    known = {"name", "version", *component.machine, *reader.options}
    if name != there:
        known |= {*recipe, *(own.options if own is not None else ())} - SHARED
    fields = component.Config.model_fields
    if own is not None:
        options = {key: value for key, value in own.options.items() if key not in known and key in fields}
        return Choice(name, {**options, **reader.options}, anonymous=False)
    stated = {key: value for key, value in recipe.items() if key not in known and (name == there or key in fields)}
    noted = {key: value for key, value in manifest.local_options.embedder.items() if key not in known}
    offered = {**stated, **noted}
    leading = {key: value for key, value in offered.items() if not _is_harmless(key, value, component)}
    _refuse_long(leading)
    _refuse_addresses(stated, leading, name)
    _refuse_missing(offered, component.location, "" if "model" in reader.options else manifest.local_options.error)
    if leading:
        _ask(name, leading, offered.get("revision"), reader.confirm)
    plain = {key: value for key, value in offered.items() if key not in component.location}
    return Choice(name, {**plain, **leading, **reader.options}, anonymous="model" not in reader.options)


def _refuse_long(leading: Mapping[str, Any]) -> None:
    for key, value in leading.items():
        if (length := sum(map(len, _texts(value)))) > LONGEST:
            raise ModelError(
                f"the dataset's embedder.{key} has {length:,} characters, and none that leads anywhere has over "
                f"{LONGEST:,}: name your own with {_spell({key: 'VALUE'})}"
            )


def _refuse_addresses(stated: Mapping[str, Any], leading: Mapping[str, Any], name: str) -> None:
    """Refuse a manifest that holds an address, and name all that is to be passed instead."""
    held = [key for key, value in stated.items() if key not in HARMLESS and _holds_address(value)]
    if held:
        own = {key: _find_user_address(name, key) for key in held}
        known = f" (which {URL} names)" if any(own.values()) else ""
        wanted = {key: "DIR" if str(value).startswith(SOMEWHERE) else value for key, value in leading.items()}
        raise ModelError(
            f"the dataset's manifest holds an address, embedder.{held[0]} = {stated[held[0]]!r}, and vecmill goes to "
            f"none that a manifest names: if you trust the rest, name it and an address of yours{known} with "
            f"{_spell(wanted | {key: value or 'VALUE' for key, value in own.items()})}"
        )


def _holds_address(value: object) -> bool:
    return any(_ADDRESS.match(text) for text in _texts(value))


def _find_user_address(name: str, key: str) -> str | None:
    """Return the router that the reader's environment names; ``None`` if there is none that can be shown."""
    try:
        return check_address(os.environ[URL]) if (name, key) == ("tei", "url") else None
    except (ConfigError, LookupError, ValueError):
        return None


def _refuse_missing(offered: Mapping[str, Any], location: frozenset[str], error: str) -> None:
    """Refuse to open an embedder of which the recipe leaves out a path or an address that is not known here."""
    why = error or "nothing here says where that is"
    for key, value in offered.items():
        if any(text.startswith(SOMEWHERE) for text in _texts(value)) or (error and key in location and value is None):
            if key == "model":
                raise ModelError(
                    f"the dataset was made with a model in a folder, {value!r}, and {why}: "
                    "name it with --model DIR, or in Python with model=DIR, or run its job again"
                )
            raise ModelError(
                f"the dataset's embedder.{key} is known to the machine that made it, and {why}: run its job again, or "
                f"name it with --embedder {key}=VALUE"
            )


def _is_harmless(key: str, value: object, component: Any) -> bool:  # noqa: ANN401 - a registered class
    """Whether an option leads nowhere, whoever sets it: a number, one word of a few, or what is set anyway."""
    if key in HARMLESS or not any(True for _ in _texts(value)):
        return True
    field = component.Config.model_fields.get(key)
    return field is None or value == field.default or _is_one_of_a_few(field.annotation)


def _is_one_of_a_few(kind: Any) -> bool:  # noqa: ANN401 - an annotation may be anything
    if get_origin(kind) in {Union, types.UnionType}:
        return all(_is_one_of_a_few(each) for each in get_args(kind))
    plain = isinstance(kind, type) and issubclass(kind, bool | int | float | enum.Enum | type(None))
    return plain or get_origin(kind) is Literal


def _texts(value: object) -> Iterator[str]:
    """Yield every text in an option, names of a table's keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _all_texts([*value, *value.values()])
    elif isinstance(value, list | tuple):
        yield from _all_texts(value)


def _all_texts(values: Iterable[object]) -> Iterator[str]:
    for value in values:
        yield from _texts(value)


def _ask(name: str, leading: Mapping[str, Any], revision: object, confirm: Callable[[str], bool] | None) -> None:
    """Return if the reader says yes to what nobody but the dataset names."""
    pinned = f" at revision {revision}" if revision else ""
    shown = ", ".join(f"{key} = {value!r}" + pinned * (key == "model") for key, value in leading.items())
    if confirm is None:
        _refuse(name, shown, leading)
    sent = " What is embedded goes to the address, with the key that your environment has for it."
    if not confirm(
        f"The dataset names its own embedder, {name!r} with {shown}, and no run that is known here made it.\n"
        f"A model of the Hub is fetched without your token.{sent * _holds_address(leading)} Use it?"
    ):
        raise ModelError(f"the embedder of the dataset, {name!r} with {shown}, was declined: {_advice(leading)}")


def _refuse(name: str, shown: str, leading: Mapping[str, Any]) -> NoReturn:
    raise ModelError(
        f"the dataset names its own embedder, {name!r} with {shown}, and no run that is known here made it: "
        f"{_advice(leading)}"
    )


def _advice(leading: Mapping[str, Any]) -> str:
    here = "" if can_register() else f" with {STATE_FOLDER} set to a folder that can be written"
    return f"if you trust it, name it yourself with {_spell(leading)}; if the dataset is yours, run its job again{here}"


def _spell(leading: Mapping[str, Any]) -> str:
    """Return what a reader types to name options, at the command line and in Python."""
    options = [
        f"--model {shlex.quote(str(value))}" if key == "model" else f"--embedder {shlex.quote(f'{key}={value}')}"
        for key, value in leading.items()
    ]
    others = {key: value for key, value in leading.items() if key != "model"}
    named = {"model": leading["model"]} if "model" in leading else {}
    python = [f"{key}={value!r}" for key, value in (named | ({"embedder": others} if others else {})).items()]
    return f"{' '.join(options)}, or in Python with {', '.join(python)}"
