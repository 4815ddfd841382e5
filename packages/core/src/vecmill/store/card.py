"""The dataset card: what a reader must know before using the vectors, from the manifest alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vecmill.records import Manifest

_FRONT = """\
---
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train-*.parquet
tags:
- embeddings
- vecmill
---
"""


def card(manifest: Manifest) -> str:
    """Return the README.md of a dataset."""
    sections = [_what(manifest), _account(manifest), _columns(manifest), _recipe(manifest)]
    return "\n".join([_FRONT, *sections])


def _what(manifest: Manifest) -> str:
    model = manifest.model
    length = "unit length" if model.normalized else "the model's own length"
    return f"""\
# Embeddings of {manifest.source.name}

{manifest.account.chunks:,} chunks of {manifest.account.documents_embedded:,} documents, embedded with `{model.id}`
(revision `{model.revision}`): {model.dimension} dimensions, {model.pooling} pooling, {length},
{model.precision or "the engine's own"} arithmetic.

- Put in front of a document: {_quoted(model.prompt)}
- Put this in front of a query: {_quoted(model.query_prompt)}
"""


def _account(manifest: Manifest) -> str:
    rows = "\n".join(f"| {key.replace('_', ' ')} | {value:,} |" for key, value in manifest.account.model_dump().items())
    return f"""\
## Account

| | |
| --- | ---: |
{rows}

Every document that went in is in the dataset whole, or in `quarantine.parquet` with the reason.
"""


def _columns(manifest: Manifest) -> str:
    return f"""\
## Columns

`id`, `url` and `title` are the source's. `text` is characters `start` to `end` of the document, its `chunk_index`-th
piece, of `tokens` tokens as embedded. `embedding` is a list of {manifest.model.dimension} float32.
"""


def _recipe(manifest: Manifest) -> str:
    return f"""\
## Recipe

```json
{json.dumps(manifest.recipe, indent=2, ensure_ascii=False)}
```

Made by vecmill {manifest.vecmill}, run `{manifest.run_id}`. `vecmill verify` checks every file against `manifest.json`.
"""


def _quoted(prompt: str) -> str:
    return f"`{prompt}`" if prompt else "nothing"
