"""Where the time of a batch goes: the engine's own clock of each operation, beside its products of matrices alone.

    hatch run bench:operations

One stream and one batch of random tokens; of each operation the least of several runs, so that what else the machine
does counts little. The last row is a chain of the linear layers' own multiplications and nothing between.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
import openvino

from bench import results, table
from bench.model import MODEL
from peers.matmul import chain
from vecmill.models import open_model
from vecmill_openvino.engine import settings
from vecmill_openvino.graph.architecture import NATIVE, Architecture, read_architecture
from vecmill_openvino.graph.build import IDS, LENGTHS, build_graph

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vecmill.models import ModelFolder

LINEAR, ATTENTION, NORMS = "linear layers, bias and activation included", "attention", "residuals and norms"
MOVES, OTHER, CHAIN = "moving heads, changing formats", "the rest", "the linear layers' products alone"
GROUPS = {
    "FullyConnected": LINEAR,
    "Subgraph": ATTENTION,
    "Add": NORMS,
    "MulAdd": NORMS,
    "MVN": NORMS,
    "Convert": MOVES,
    "Reorder": MOVES,
    "Transpose": MOVES,
}


def main() -> None:
    """Measure, print, and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=18)
    parser.add_argument("--tokens", type=int, default=112, help="in each text")
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--precision", default="bf16")
    options = parser.parse_args()
    folder = open_model(MODEL, None, NATIVE)
    ids = np.random.default_rng(0).integers(1000, 20_000, (options.texts, options.tokens))
    given = {IDS: ids, LENGTHS: np.full(options.texts, options.tokens)}
    taken, products = measure(folder, given, options.precision, options.runs)
    total = sum(taken.values())
    rows = [{"name": name, "share": 100 * each / total} for name, each in sorted(taken.items(), key=lambda x: -x[1])]
    rows.append({"name": CHAIN, "share": 100 * products / total})
    about = {"clock": "wall", **vars(options), "microseconds": round(total)}
    results.save("operations", about, rows=rows, targets=[], unavailable={})
    print(table.plain({"rows": rows}, {"% of a batch's time": "share"}))


def measure(folder: ModelFolder, given: Mapping[str, Any], precision: str, runs: int) -> tuple[dict[str, float], float]:
    """Return the microseconds of each group of operations, and those of the linear layers' products in a chain.

    Both take turns, so that they meet the same machine.
    """
    model = _compiled(build_graph(folder).model, precision)
    products = _compiled(chain(_shapes(folder, read_architecture(folder.config))), precision)
    tokens = np.random.default_rng(1).standard_normal((given[IDS].size, folder.dimension), np.float32)
    model.infer(given)
    products.infer([tokens])
    rounds = [(_operations(model, given), _seconds(products, tokens)) for _ in range(runs)]
    groups: dict[str, float] = defaultdict(float)
    for kind, name in rounds[0][0]:
        groups[GROUPS.get(kind, OTHER)] += min(taken[kind, name] for taken, _ in rounds)
    return groups, min(seconds for _, seconds in rounds) * 1e6


def _compiled(model: openvino.Model, precision: str) -> openvino.InferRequest:
    timed = {**settings(precision, 1), "PERF_COUNT": True}
    return openvino.Core().compile_model(model, "CPU", timed).create_infer_request()


def _operations(request: openvino.InferRequest, given: Mapping[str, Any]) -> dict[tuple[str, str], float]:
    """Return the microseconds of each operation in a run, by its kind and name."""
    request.infer(given)
    return {(each.node_type, each.node_name): each.real_time.total_seconds() * 1e6 for each in request.profiling_info}


def _shapes(folder: ModelFolder, shape: Architecture) -> list[tuple[int, int]]:
    narrow, wide = shape.hidden, int(folder.config["intermediate_size"])
    return [*[(narrow, narrow)] * 4, (wide, narrow), (narrow, wide)] * shape.layers


def _seconds(request: openvino.InferRequest, given: Any) -> float:
    began = time.perf_counter()
    request.infer([given], share_inputs=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
