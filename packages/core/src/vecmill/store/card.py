"""The dataset card: what a reader must know before using the vectors, from the manifest alone."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vecmill.records.manifest import SOMEWHERE
from vecmill.sanitize import escape_json, printable
from vecmill.store.front_matter import format_front_matter, format_title
from vecmill.store.parquet import extra_columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vecmill.records import Cost, Manifest, Output, Terms


def format_card(manifest: Manifest, location: Location | None = None, user_text: str = "") -> str:
    """Return the README.md of a dataset.

    Args:
        manifest: The finished run.
        location: Where the dataset is read from; by default the folder that the run made, or a copy of a repo.
        user_text: The user's text, Markdown.
    """
    location = location or Location(folder=manifest.shard_folder)
    sections = [
        _describe_dataset(manifest, location),
        format_user_section(user_text),
        _show_search(manifest, location),
        _describe_columns(manifest, location),
        _describe_recipe(manifest),
        _describe_account(manifest),
        _describe_licensing(manifest, location),
        _describe_origin(manifest, location),
    ]
    return "\n".join([format_front_matter(manifest, location), *filter(None, sections)])


HOUR, MINUTE = 3600, 60
_WORD = re.compile(r'"?[\w .,:/-]*"?')


def _describe_dataset(manifest: Manifest, location: Location) -> str:
    """Say what the dataset is, and with which model it was made."""
    model, account = manifest.model, manifest.account
    length = "unit length" if model.normalized else "the model's own length"
    return f"""\
# {format_text(format_title(manifest, location))}

{account.chunks:,} chunks of {account.documents_embedded:,} documents, each with its offsets and a vector of
{model.dimension} dimensions.

| | |
| --- | --- |
| model | {format_cell(model.id)} |
| revision | {format_cell(str(model.revision))} |
| pooling | {format_text(model.pooling)}, {length} |
| similarity | {model.output.similarity} |
| arithmetic | {format_text(model.precision or "the engine's own")} |
| longest input | {model.max_tokens:,} tokens |
| put in front of a document | {_quote_prompt(model.prompt)} |
| put in front of a query | {_quote_prompt(model.query_prompt)} |
"""


def _show_search(manifest: Manifest, location: Location) -> str:
    """Show how to embed a query and search, in code that runs."""
    if not location.repo:
        return '## Search\n\n```bash\npip install "vecmill[local]"\nvecmill search . "your question"\n```\n'
    output = manifest.model.output
    score, meaning = _score(output)
    return f"""\
## Search

```python
import numpy as np
from datasets import load_dataset
from huggingface_hub import hf_hub_download
from vecmill import Manifest, embed_query

repo, run = "{location.repo}", "{location.tag}"
with open(hf_hub_download(repo, "manifest.json", repo_type="dataset", revision=run)) as file:
    manifest = Manifest.model_validate_json(file.read())
rows = load_dataset(repo, split="train", revision=run).with_format("numpy")

query = embed_query(manifest, "your question"{_named_model(manifest)})
vectors = rows["{output.name}"][:]
scores = {score}
for row in np.argsort(-scores)[:3].tolist():
    print(f"{{scores[row]:.3f}}", rows[row]["title"], rows[row]["text"][:80])
```

It needs `pip install "vecmill[local,datasets]"`. {meaning} The tag `{location.tag}` pins this very run;
without `revision` you get the newest one.
"""


def _describe_columns(manifest: Manifest, location: Location) -> str:
    """Say what is in the columns, and in other configurations."""
    output = manifest.model.output
    *others, last = map(format_code, ["id", "url", "title", *extra_columns(manifest.columns, manifest.model.outputs)])
    return f"""\
## Columns

{", ".join(others)} and {last} are the source's. `text` is characters `start` to `end` of the
document (Unicode code points), its `chunk_index`-th piece, of `tokens` tokens as embedded. `{output.name}` is a
fixed-size list of {output.dimension} {output.dtype}, never null, always finite.
{"".join(_VARIANTS[name].format(output.name) for name in location.variants)}"""


def _describe_recipe(manifest: Manifest) -> str:
    """Show every option of the run."""
    chunker = {
        key: value for key, value in manifest.recipe.get("chunker", {}).items() if key not in {"name", "version"}
    }
    settings = ", ".join(f"{format_code(key)} {_setting(value)}" for key, value in chunker.items())
    return f"""\
## Recipe

Cut by the chunker {format_code(str(manifest.recipe.get("chunker", {}).get("name")))} ({settings}).

```json
{escape_json(json.dumps(manifest.recipe, indent=2, ensure_ascii=False))}
```
"""


def _describe_account(manifest: Manifest) -> str:
    """Account for every document, and for time and cost."""
    rows = "\n".join(f"| {key.replace('_', ' ')} | {value:,} |" for key, value in manifest.account.model_dump().items())
    timing = manifest.timing
    spent = f"{_format_duration(timing.worker_seconds)} of worker time, finished {timing.finished}."
    return f"""\
## Account

| | |
| --- | ---: |
{rows}

Every document that went in is in the dataset with all its text, or in `quarantine.parquet` with the reason.
It took {spent}{_cost(manifest.cost)}
"""


def _describe_origin(manifest: Manifest, location: Location) -> str:
    """Say what made the dataset, and how to check it."""
    revision = manifest.source.options.get("revision")
    pinned = f", at revision {format_code(str(revision))}" if revision else ""
    source = f"the source {format_code(manifest.source.name)}"
    where = f" Its shards are in `{location.folder}`." if location.repo else ""
    return f"""\
## Origin

Made by vecmill {format_text(manifest.vecmill)} from {source}{pinned}, run `{manifest.run_id}`.{where}
`vecmill verify` checks every file, row and vector of a copy against `manifest.json`.
"""


def _format_duration(seconds: float) -> str:
    """Return a time as text."""
    if seconds < MINUTE:
        return f"{seconds:.1f} seconds"
    return f"{seconds / MINUTE:.1f} minutes" if seconds < HOUR else f"{seconds / HOUR:,.1f} hours"


def _named_model(manifest: Manifest) -> str:
    """Return the argument that names the model: on another machine a manifest decides nothing."""
    model = manifest.recipe.get("embedder", {}).get("model")
    if not isinstance(model, str):
        return ""
    return f", model={json.dumps('DIR' if model.startswith(SOMEWHERE) else model)}"


def _score(output: Output) -> tuple[str, str]:
    """Return the code that scores vectors by a query, the highest nearest, and what the score is."""
    match output.similarity:
        case "cosine" if output.normalized:
            return "vectors @ query", "The product is the cosine."
        case "cosine":
            return (
                "vectors @ query / np.linalg.norm(vectors, axis=1) / np.linalg.norm(query)",
                "The score is the cosine, for the vectors have the model's own length.",
            )
        case "dot":
            return "vectors @ query", "The larger the product, the nearer."
        case "euclidean":
            return "-np.linalg.norm(vectors - query, axis=1)", "The score is the Euclidean distance, with a minus."
        case "manhattan":
            return "-np.abs(vectors - query).sum(axis=1)", "The score is the Manhattan distance, with a minus."


def _cost(cost: Cost | None) -> str:
    return "" if cost is None else f" It cost {format_text(str(cost))}."


def _quote_prompt(prompt: str) -> str:
    return format_cell(prompt) if prompt else "nothing"


def _setting(value: object) -> str:
    """Show a value of an option: as it is if it is a number or a word, else as code."""
    text = json.dumps(value)
    return text if _WORD.fullmatch(text) else format_code(text)


_VARIANTS = {
    "float16": "\nThe configuration `float16` has the same rows with half-precision vectors.\n",
    "int8": "\nThe configuration `int8` has the same rows in int8: `{}` times `scale` is about the vector.\n",
}


@dataclass(frozen=True, slots=True)
class Location:
    """A dataset as its readers find it.

    Attributes:
        repo: ``user/name`` on the Hub; empty for a folder.
        folder: Where its shards are.
        tag: Pins this very run, on the Hub.
        variants: Configurations with the same rows and other vectors, ``float16`` or ``int8``, and their bytes.
        license: Identifiers of the text's licences, instead of those that the manifest states.
        language: Codes of its languages, in the same way.
        pretty_name: The dataset's name for people.
    """

    repo: str = ""
    folder: str = "data"
    tag: str = ""
    variants: Mapping[str, int] = field(default_factory=dict)
    license: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    pretty_name: str = ""

    def terms(self, stated: Terms) -> Terms:
        """Return the text's terms: those that a manifest states, or others instead."""
        return stated.but(self.license, self.language)


BEGIN = "<!-- Your own text goes between this line and the next mark; it is kept by the next run. -->"
END = "<!-- End of your own text. -->"

_PART = re.compile(re.escape(BEGIN) + r"\n(.*?)\n?" + re.escape(END), flags=re.DOTALL)


def format_user_section(user_text: str) -> str:
    """Return the user's part of a card, empty or not."""
    return "\n".join([BEGIN, *([_tame(user_text).strip("\n")] if user_text.strip() else []), END, ""])


def read_user_section(readme: str) -> str | None:
    """Return the user's part of a card; ``None`` if it is not a card of ours."""
    found = _PART.search(readme)
    if found is None:
        return None
    return found[1].strip("\n") if found[1].strip() else ""


def replace_user_section(readme: str, user_text: str) -> str:
    """Return a card with another user's part; at its end if it has none."""
    if read_user_section(readme) is None:
        return f"{readme.rstrip()}\n\n{format_user_section(user_text)}" if user_text.strip() else readme
    return _PART.sub(lambda _: format_user_section(user_text).rstrip("\n"), readme, count=1)


def remove_user_section(readme: str) -> str:
    """Return a card without the user's part."""
    return _PART.sub("", readme, count=1)


def _tame(user_text: str) -> str:
    """Take the marks out of a text, so that it cannot end its section."""
    while BEGIN in user_text or END in user_text:
        user_text = user_text.replace(BEGIN, "").replace(END, "")
    return user_text


OTHER = "other"
_REPO = re.compile(r"[\w.-]+(?:/[\w.-]+)?", re.ASCII)
LINKS = {
    "cc-by-3.0": "https://creativecommons.org/licenses/by/3.0/",
    "cc-by-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "cc-by-sa-3.0": "https://creativecommons.org/licenses/by-sa/3.0/",
    "cc-by-sa-4.0": "https://creativecommons.org/licenses/by-sa/4.0/",
    "gfdl": "https://www.gnu.org/licenses/fdl-1.3.html",
}


def _describe_licensing(manifest: Manifest, location: Location) -> str:
    """Say whose text it is, under which licence, and what follows from it."""
    terms, source = location.terms(manifest.source.terms), _source(manifest)
    if not terms.license:
        return f"## Licence\n\nNo licence is stated here: the text is from {source}, and its terms apply.\n"
    names = ", ".join(_name(name, terms) for name in terms.license)
    credit = _credit(manifest) if _asks(terms, "by", "gfdl") else ""
    share = _SHARE_ALIKE if _asks(terms, "sa", "gfdl") else ""
    return "\n".join([f"## Licence\n\nThe text is from {source}, under {names}.", *filter(None, [credit, share]), ""])


def _source(manifest: Manifest) -> str:
    repo = manifest.source.options.get("repo")
    if not isinstance(repo, str) or not repo:
        return f"the source {format_code(manifest.source.name)}"
    return (
        format_link(format_text(repo), f"https://huggingface.co/datasets/{repo}")
        if _REPO.fullmatch(repo)
        else format_code(repo)
    )


def _name(name: str, terms: Terms) -> str:
    shown = terms.license_name if name == OTHER and terms.license_name else name
    address = terms.license_link if name == OTHER else LINKS.get(name)
    return format_link(format_code(shown), address) if address else format_code(shown)


def _asks(terms: Terms, *words: str) -> bool:
    """Whether a licence asks for something: one of these is a part of its identifier."""
    return any(set(name.split("-")).intersection(words) for name in terms.license)


def _credit(manifest: Manifest) -> str:
    wikipedia = "wikipedia" in str(manifest.source.options.get("repo", "")).lower()
    return _WIKIPEDIA if wikipedia else _ATTRIBUTION


_ATTRIBUTION = """
Attribution: name the source and the authors of the texts you use; `url`, where there is one, leads to them. The texts
were cut into chunks, and are otherwise as they were."""

_WIKIPEDIA = """
Attribution: the articles are by the authors of Wikipedia. Name them where you use the text, by a link to the article:
`url` leads there, and its "View history" lists who wrote it. The articles were cut into chunks, and are otherwise as
they were."""

_SHARE_ALIKE = """
Share alike: what you build from the text must be under the same licence, or one that it calls compatible."""


_ACTIVE = re.compile(r"[\\`*\[\]<>|~]")
"""What begins a link, HTML, code, emphasis or a cell. No card begins a line with such text, so titles need none."""
_EMPHASIS = re.compile(r"(?<![^\W_])_|_(?![^\W_])|&(?=#|\w+;)")
"""What begins emphasis or stands for another character; within a word an underscore does neither."""
_LIVE = re.compile(r"://|www\.|@|mailto:|xmpp:", re.IGNORECASE)
"""What the Hub's Markdown makes a link of, without any mark around it and whatever is escaped in it."""
_TICKS = re.compile("`+")
_ADDRESS = re.compile(r"https?://[^\s<>()\[\]\\`|\"']+")


def format_text(text: str) -> str:
    """Return a text as one line of prose; as code if it holds an address, which would become a link."""
    line = _one_line(text)
    if _LIVE.search(line):
        return format_cell(line)
    return _EMPHASIS.sub(_escape, _ACTIVE.sub(_escape, line))


def _escape(found: re.Match[str]) -> str:
    return f"\\{found[0]}"


def format_code(text: str) -> str:
    """Return a text as code, which nothing in it ends."""
    line = _one_line(text) or " "
    fence = "`" * (1 + max((len(run) for run in _TICKS.findall(line)), default=0))
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def format_cell(text: str) -> str:
    """Return a text as code in a table, of which a bar would begin the next cell."""
    return format_code(text).replace("|", "\\|")


def format_link(text: str, address: str) -> str:
    """Return a link; where the address is none that a browser opens, the text and the address as code."""
    if _ADDRESS.fullmatch(address):
        return f"[{text}]({address})"
    return f"{text} ({format_code(address)})"


def _one_line(text: str) -> str:
    """Return a text with its newlines as they are written in programs: a space would hide them."""
    return printable(text.replace("\n", "\\n").replace("\t", " "))


RUNS = "<!-- runs, newest first: {} -->"
"""A line of a published card: the runs that the repo has."""
_RUNS = re.compile(RUNS.format("(.*?)"))


def list_runs(readme: str) -> list[str]:
    """Return the runs that a published card lists, newest first."""
    found = _RUNS.search(readme)
    return found[1].split() if found else []
