"""The matmul rate of this machine, through the same engine: layers of the model's own shapes and nothing between."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.serve import serve

if TYPE_CHECKING:
    from collections.abc import Sequence

    import openvino

    from bench.serve import Work

TOKENS, NARROW, WIDE, LAYERS, TIMES = 2048, 384, 1536, 12, 8


def chain(shapes: Sequence[tuple[int, int]]) -> openvino.Model:
    """Return multiplications by matrices of these shapes, outputs and inputs, one after the other."""
    import openvino
    from openvino import opset13 as ov

    draw = np.random.default_rng(0)
    x = y = ov.parameter([-1, shapes[0][1]], np.float32)
    for shape in shapes:
        y = ov.matmul(y, ov.constant(draw.standard_normal(shape, np.float32) / 20), False, True)  # noqa: FBT003
    return openvino.Model([y], [x], "chain")


def load(settings: dict[str, Any]) -> Work:
    """Compile a chain of multiplications, a stream for each processor."""
    import openvino

    from vecmill.concurrency import usable_processors
    from vecmill_openvino import engine

    streams = len(usable_processors())
    model = chain([(WIDE, NARROW), (NARROW, WIDE)] * (LAYERS // 2))
    compiled = openvino.Core().compile_model(model, "CPU", engine.settings(settings["precision"], streams))
    requests = [compiled.create_infer_request() for _ in range(streams)]
    given = np.random.default_rng(1).standard_normal((TOKENS, NARROW), np.float32)
    pool = ThreadPoolExecutor(streams)

    def multiply(request: Any) -> None:
        for _ in range(TIMES):
            request.infer([given], share_inputs=True)

    def work(_: Any) -> dict[str, float]:
        list(pool.map(multiply, requests))
        return {"flop": 2.0 * TOKENS * NARROW * WIDE * LAYERS * TIMES * streams}

    return work


if __name__ == "__main__":
    serve(load, "openvino")
