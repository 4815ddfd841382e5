"""How near bf16 and int8 come to f32, on texts of many kinds.

    hatch run bench:quantization

int8 has one number that was chosen, the exponent of its smoothing: by the kinds marked so, and judged by the others.
Other exponents stand beside it.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import random
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import results, table, texts
from bench.model import MODEL
from vecmill.concurrency import usable_processors
from vecmill.models import load_tokenizer, open_model
from vecmill_openvino.engine import LoadedModel
from vecmill_openvino.graph import encoder
from vecmill_openvino.graph.architecture import NATIVE

if TYPE_CHECKING:
    from collections.abc import Sequence

SIZES = (40, 400, 2000)
WORDS = {"chosen": ["state", "of", "7", "!", "apple", "東京"], "judged": ["zebra", "42", "Ω", ";", "in", "été", "0x"]}
SIGNS = {"chosen": "0123456789.,;:-+*/()[] abc", "judged": "{}<>=|~^%$#@!&ABCxyz 789\n"}
BF16 = "bf16"


def main() -> None:
    """Measure, print, and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=150, help="of each kind and size")
    parser.add_argument(
        "--smoothing", type=float, nargs="*", default=[0.5, 0.7], help="other exponents, measured as well"
    )
    texts.add_options(parser)
    options = parser.parse_args()
    kinds = gather(options)
    rows = [{"name": kind, "texts": len(pieces)} for kind, pieces in kinds.items()]
    reference = embedded("f32", kinds)
    for column, precision, exponent in variants(options.smoothing):
        encoder.SMOOTHING = exponent
        for row, found, expected in zip(rows, embedded(precision, kinds), reference, strict=True):
            row[column] = round(float((found * expected).sum(axis=1).min()), 5)
    columns = [column for column in rows[0] if column != "name"]
    results.save("quantization", {"clock": "none", "columns": columns}, rows=rows, targets=[], unavailable={})
    print(table.exact({"about": {"columns": columns}, "rows": rows}))


def variants(exponents: Sequence[float]) -> list[tuple[str, str, float]]:
    """Return what is measured: the name of its column, its precision and its exponent."""
    own = encoder.SMOOTHING
    others = [(f"int8, exponent {each}", "int8", each) for each in exponents]
    return [(BF16, BF16, own), (f"int8, exponent {own}", "int8", own), *others]


def gather(options: argparse.Namespace) -> dict[str, list[str]]:
    """Return texts by their kind."""
    installed = list(importlib.metadata.distributions())
    descriptions = [each.read_text("METADATA") or "" for each in installed]
    modules = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    sources = [path.read_text("utf-8", "replace") for path in modules]
    return {
        "package descriptions (chosen by)": [*_pieces(descriptions, options.texts)],
        "source code (chosen by)": [*_pieces(sources, options.texts)],
        "words repeated, signs (chosen by)": _odd("chosen"),
        "Python's documentation": [*_pieces(texts.texts(options), options.texts)],
        "other words repeated, other signs": _odd("judged"),
    }


def _pieces(whole: Sequence[str], count: int) -> list[str]:
    return [piece for size in SIZES for piece in texts.slices(list(whole), size, count)]


def _odd(who: str) -> list[str]:
    draw = random.Random(who)  # noqa: S311 - the same texts each time
    repeated = [" ".join([word] * times) for word in WORDS[who] for times in (1, 2, 7, 60, 250)]
    return repeated + ["".join(draw.choices(SIGNS[who], k=size)) for size in (15, 150, 700) for _ in range(10)]


def embedded(precision: str, kinds: dict[str, list[str]]) -> list[Any]:
    """Return the vectors of each kind."""
    folder = open_model(MODEL, None, NATIVE)
    model = LoadedModel(folder, load_tokenizer(folder.path), precision, len(usable_processors()), 2048)
    return [model.embed(pieces) for pieces in kinds.values()]


if __name__ == "__main__":
    main()
