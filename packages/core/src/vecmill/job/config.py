"""Job: what a job file says, checked, with ``--set`` and other overrides."""

from __future__ import annotations

import copy
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from vecmill.errors import ConfigError
from vecmill.plugins import load
from vecmill.plugins.registry import explain, validate_options
from vecmill.records import ComponentSpec
from vecmill.sanitize import require_utf8

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vecmill.plugins import Registry


EXAMPLES = {"--set": "source.limit=100", "--embedder": "url=http://127.0.0.1:8080"}


def apply(keys: dict[str, Any], overrides: Iterable[str], option: str = "--set") -> dict[str, Any]:
    """Return the job's keys with each ``a.b=value`` put in; lists are addressed by number, ``publish.0.path``.

    Args:
        keys: The job's.
        overrides: Each as it was written.
        option: The option of the command line that they were written with, for messages.

    Raises:
        ConfigError: An override is not of that form or not UTF-8, or goes through something that is no table.
    """
    keys = copy.deepcopy(keys)
    for override in overrides:
        path, equals, value = require_utf8(override).partition("=")
        if not equals or not all(path.split(".")):
            raise ConfigError(f"{option} {override}: write it as key=value, such as {EXAMPLES[option]}")
        _put(keys, path.strip().split("."), _read_value(value.strip()), f"{option} {override}")
    return keys


def _put(table: Any, path: list[str], value: object, override: str) -> None:  # noqa: ANN401 - TOML nests as it likes
    *parents, last = path
    try:
        for part in parents:
            table = table[int(part)] if isinstance(table, list) else table.setdefault(part, {})
        table[int(last) if isinstance(table, list) else last] = value
    except (ValueError, IndexError, TypeError, AttributeError):
        raise ConfigError(
            f"{override}: the job has no such key: check its spelling; lists take a number, such as publish.0.path"
        ) from None


def _read_value(text: str) -> object:
    """Read a value as TOML would; what TOML does not know is a string."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):  # (a number or a nest too large for Python is none that TOML knows)
        return text


class Shards(BaseModel):
    """How the dataset is cut into files.

    Attributes:
        target_mb: About the size of a shard on disk, in megabytes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    target_mb: float = Field(128, gt=0, allow_inf_nan=False)


class Job(BaseModel):
    """A corpus, a chunker, an embedder, where to run, and where to publish.

    Made from a job file with ``Job.load``, or in Python with the same keys::

        Job(source={"name": "pydoc"}, embedder={"name": "openvino", "model": "BAAI/bge-small-en-v1.5"})

    A component is a table with its ``name`` and its options; where there is a usual one, the name may be left
    out. Options are checked, against the installed plugins, when the job is run.

    Attributes:
        max_quarantine: The share of documents that may be set aside before the run counts as failed.
        truncate: Let texts over the model's limit be cut; they are counted.
        name: Names the output folder when no publisher does: ``out/NAME``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: ComponentSpec
    chunker: ComponentSpec = ComponentSpec(name="paragraphs")
    batching: ComponentSpec = ComponentSpec(name="token_budget")
    embedder: ComponentSpec
    runtime: ComponentSpec = ComponentSpec(name="local")
    publish: list[ComponentSpec] = []
    max_quarantine: float = Field(0.01, ge=0, le=1)
    truncate: bool = False
    shards: Shards = Shards()
    name: str = "dataset"

    def __init__(self, /, **keys: Any) -> None:  # noqa: ANN401 - a job file holds any TOML
        try:
            super().__init__(**keys)
        except ValidationError as error:
            raise ConfigError("\n".join(explain(error, Job))) from None

    @classmethod
    def load(cls, path: str | Path, overrides: Iterable[str] = ()) -> Job:
        """Read a job file.

        Args:
            path: A TOML file.
            overrides: Such as ``"source.limit=100"``; they win over the file. One that names another runtime takes it
                with its defaults: the options in the file are those of the file's.

        Raises:
            ConfigError: There is no such file, or it is not a job.
        """
        path = Path(path)
        keys = {"name": path.stem, **_read(path)}
        overrides = list(overrides)
        try:
            return cls(**apply(_drop_other_runtime(keys, overrides), overrides))
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from None
        except RecursionError:
            raise ConfigError(f"{path}: its tables are nested too deeply: flatten them") from None

    def to_keys(self) -> dict[str, Any]:
        """Return the keys of a job file that says the same, in JSON types: ``Job(**job.to_keys()) == job``."""
        keys = self.model_dump(mode="json")
        for key, value in keys.items():
            if isinstance(getattr(self, key), ComponentSpec):
                keys[key] = {"name": value["name"], **value["options"]}
        keys["publish"] = [{"name": spec["name"], **spec["options"]} for spec in keys["publish"]]
        return keys

    @property
    def parts(self) -> list[tuple[str, ComponentSpec]]:
        """Every component that the job names, with its kind."""
        single = ("source", "chunker", "batching", "embedder", "runtime")
        return [*((kind, getattr(self, kind)) for kind in single), *(("publisher", spec) for spec in self.publish)]

    def check(self, registry: Registry | None = None) -> None:
        """Look up every component and check its options; nothing is opened, read or asked for.

        Args:
            registry: Where to look them up; by default in the plugins that are installed.

        Raises:
            ConfigError: Names every component that there is none of, and every wrong option.
        """
        registry = registry or load().registry
        wrong: list[str] = []
        for kind, spec in self.parts:
            try:
                validate_options(registry.get(kind, spec.name), kind, spec.options)
            except ConfigError as error:
                wrong.append(str(error))
        if wrong:
            raise ConfigError("\n".join(wrong))

    @field_validator("name")
    @classmethod
    def _plain_name(cls, value: str) -> str:
        if not value.strip(". ") or any(mark in value for mark in "/\\\0"):
            raise ValueError("it must name a folder, without / and \\")
        return value

    @field_validator("source", "chunker", "batching", "embedder", "runtime", mode="before")
    @classmethod
    def _component(cls, value: object, field: ValidationInfo) -> object:
        usual = cls.model_fields[field.field_name or ""].default
        if isinstance(value, dict) and isinstance(usual, ComponentSpec):
            value = {"name": usual.name, **value}
        return _make_spec(value)

    @field_validator("publish", mode="before")
    @classmethod
    def _components(cls, value: object) -> object:
        return [_make_spec(item) for item in value] if isinstance(value, list) else value


def _make_spec(value: object) -> object:
    if not isinstance(value, dict):
        return value
    if not isinstance(value.get("name"), str):
        raise ValueError('this table needs a name = "…" that says which component it is')  # noqa: TRY004 - pydantic takes ValueError
    return ComponentSpec(name=value["name"], options={key: item for key, item in value.items() if key != "name"})


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"there is no job file {path}: `vecmill init` writes one to start from") from None
    except OSError as error:
        raise ConfigError(f"the job file {path} cannot be read ({error.strerror}): name another file") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"the job file {path} is not UTF-8 text ({error}): save it as UTF-8") from None
    except (ValueError, RecursionError) as error:  # beside TOML's own, a number or a nest too large for Python
        raise ConfigError(f"{path} is not valid TOML: {error}") from None


def _drop_other_runtime(keys: dict[str, Any], overrides: Iterable[str]) -> dict[str, Any]:
    """Return a job's keys without the options of its runtime, if overrides name another one."""
    chosen, table = apply({}, overrides).get("runtime"), keys.get("runtime", {})
    if not isinstance(chosen, dict) or not isinstance(table, dict):
        return keys
    name = table.get("name", Job.model_fields["runtime"].default.name)
    return {**keys, "runtime": {}} if chosen.get("name", name) != name else keys
