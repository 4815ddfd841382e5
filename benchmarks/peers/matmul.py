"""The matmul rate of this machine, through the same engine: layers of the model's own shapes and nothing between."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.serve import serve

if TYPE_CHECKING:
    from bench.serve import Work

TOKENS, NARROW, WIDE, LAYERS, TIMES = 2048, 384, 1536, 12, 8


def load(settings: dict[str, Any]) -> Work:
    """Compile a chain of multiplications, a stream for each processor."""
    import openvino
    from openvino import opset13 as ov

    from vecmill_local_runtime.processors import usable

    draw = np.random.default_rng(0)
    streams = len(usable())
    x = y = ov.parameter([-1, NARROW], np.float32)
    for layer in range(LAYERS):
        shape = (WIDE, NARROW) if layer % 2 == 0 else (NARROW, WIDE)
        y = ov.matmul(y, ov.constant(draw.standard_normal(shape, np.float32) / 20), False, True)  # noqa: FBT003
    compiled = openvino.Core().compile_model(
        openvino.Model([y], [x], "matmul"),
        "CPU",
        {
            "INFERENCE_PRECISION_HINT": settings["precision"],
            "PERFORMANCE_HINT": "THROUGHPUT",
            "NUM_STREAMS": str(streams),
            "INFERENCE_NUM_THREADS": streams,
            "ENABLE_CPU_PINNING": False,
        },
    )
    requests = [compiled.create_infer_request() for _ in range(streams)]
    given = draw.standard_normal((TOKENS, NARROW), np.float32)
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
