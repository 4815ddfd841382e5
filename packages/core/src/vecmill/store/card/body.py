"""Body: the card's sections, each from the manifest alone."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from vecmill.records.manifest import SOMEWHERE
from vecmill.redaction import escape_json
from vecmill.store.card.front_matter import title
from vecmill.store.card.markdown import cell, code, plain
from vecmill.store.columns import extra_columns

if TYPE_CHECKING:
    from vecmill.records import Cost, Manifest, Output
    from vecmill.store.card.sections import Place

HOUR, MINUTE = 3600, 60
_WORD = re.compile(r'"?[\w .,:/-]*"?')


def what(manifest: Manifest, place: Place) -> str:
    """Say what the dataset is, and with which model it was made."""
    model, account = manifest.model, manifest.account
    length = "unit length" if model.normalized else "the model's own length"
    return f"""\
# {plain(title(manifest, place))}

{account.chunks:,} chunks of {account.documents_embedded:,} documents, each with its place in the source and a vector of
{model.dimension} dimensions.

| | |
| --- | --- |
| model | {cell(model.id)} |
| revision | {cell(str(model.revision))} |
| pooling | {plain(model.pooling)}, {length} |
| similarity | {model.output.similarity} |
| arithmetic | {plain(model.precision or "the engine's own")} |
| longest input | {model.max_tokens:,} tokens |
| put in front of a document | {_quote_prompt(model.prompt)} |
| put in front of a query | {_quote_prompt(model.query_prompt)} |
"""


def usage(manifest: Manifest, place: Place) -> str:
    """Show how to embed a query and search, in code that runs."""
    if not place.repo:
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

repo, run = "{place.repo}", "{place.tag}"
with open(hf_hub_download(repo, "manifest.json", repo_type="dataset", revision=run)) as file:
    manifest = Manifest.model_validate_json(file.read())
rows = load_dataset(repo, split="train", revision=run).with_format("numpy")

query = embed_query(manifest, "your question"{_named_model(manifest)})
vectors = rows["{output.name}"][:]
scores = {score}
for row in np.argsort(-scores)[:3].tolist():
    print(f"{{scores[row]:.3f}}", rows[row]["title"], rows[row]["text"][:80])
```

It needs `pip install "vecmill[local,datasets]"`. {meaning} The tag `{place.tag}` pins this very run;
without `revision` you get the newest one.
"""


def columns(manifest: Manifest, place: Place) -> str:
    """Say what is in the columns, and in other configurations."""
    output = manifest.model.output
    *others, last = map(code, ["id", "url", "title", *extra_columns(manifest.columns, manifest.model.outputs)])
    return f"""\
## Columns

{", ".join(others)} and {last} are the source's. `text` is characters `start` to `end` of the
document (Unicode code points), its `chunk_index`-th piece, of `tokens` tokens as embedded. `{output.name}` is a
fixed-size list of {output.dimension} {output.dtype}, never null, always finite.
{"".join(_VARIANTS[name].format(output.name) for name in place.variants)}"""


def recipe(manifest: Manifest) -> str:
    """Show every option of the run."""
    chunker = {
        key: value for key, value in manifest.recipe.get("chunker", {}).items() if key not in {"name", "version"}
    }
    settings = ", ".join(f"{code(key)} {_setting(value)}" for key, value in chunker.items())
    return f"""\
## Recipe

Cut by the chunker {code(str(manifest.recipe.get("chunker", {}).get("name")))} ({settings}).

```json
{escape_json(json.dumps(manifest.recipe, indent=2, ensure_ascii=False))}
```
"""


def account(manifest: Manifest) -> str:
    """Account for every document, and for time and cost."""
    rows = "\n".join(f"| {key.replace('_', ' ')} | {value:,} |" for key, value in manifest.account.model_dump().items())
    timing = manifest.timing
    spent = f"{duration(timing.worker_seconds)} of worker time, finished {timing.finished}."
    return f"""\
## Account

| | |
| --- | ---: |
{rows}

Every document that went in is in the dataset whole, or was set aside in `quarantine.parquet` with the reason.
It took {spent}{_cost(manifest.cost)}
"""


def origin(manifest: Manifest, place: Place) -> str:
    """Say what made the dataset, and how to check it."""
    revision = manifest.source.options.get("revision")
    pinned = f", at revision {code(str(revision))}" if revision else ""
    source = f"the source {code(manifest.source.name)}"
    where = f" Its shards are in `{place.folder}`." if place.repo else ""
    return f"""\
## Origin

Made by vecmill {plain(manifest.vecmill)} from {source}{pinned}, run `{manifest.run_id}`.{where}
`vecmill verify` checks every file, row and vector of a copy against `manifest.json`.
"""


def duration(seconds: float) -> str:
    """Return a time in words."""
    if seconds < MINUTE:
        return f"{seconds:.1f} seconds"
    return f"{seconds / MINUTE:.1f} minutes" if seconds < HOUR else f"{seconds / HOUR:,.1f} hours"


def _named_model(manifest: Manifest) -> str:
    """Return the argument that names the model: readers elsewhere have to, for a manifest decides nothing there."""
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
    return "" if cost is None else f" It cost {plain(str(cost))}."


def _quote_prompt(prompt: str) -> str:
    return cell(prompt) if prompt else "nothing"


def _setting(value: object) -> str:
    """Show a value of an option: as it is if it is a number or a word, else as code."""
    text = json.dumps(value)
    return text if _WORD.fullmatch(text) else code(text)


_VARIANTS = {
    "float16": "\nThe configuration `float16` has the same rows with half-precision vectors.\n",
    "int8": "\nThe configuration `int8` has the same rows in int8: `{}` times `scale` is about the vector.\n",
}
