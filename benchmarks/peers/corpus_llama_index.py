"""LlamaIndex's IngestionPipeline with a reader of Parquet before it and a writer behind it."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any

from bench.serve import serve
from bench.slicing import slices
from peers.minilm import load_minilm

if TYPE_CHECKING:
    from bench.serve import Work


def load(settings: dict[str, Any]) -> Work:
    """Load the model and build the pipeline."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from llama_index.core import Document
    from llama_index.core.ingestion import IngestionPipeline
    from llama_index.core.schema import TextNode, TransformComponent

    encode = load_minilm(settings)

    class Cut(TransformComponent):
        def __call__(self, nodes: Any, **_: Any) -> list[TextNode]:
            return [TextNode(text=piece, metadata=node.metadata) for node in nodes for piece in slices(node.text)]

    class Embed(TransformComponent):
        def __call__(self, nodes: Any, **_: Any) -> Any:
            for node, vector in zip(nodes, encode([node.text for node in nodes]), strict=True):
                node.embedding = vector.tolist()
            return nodes

    pipeline = IngestionPipeline(transformations=[Cut(), Embed()], disable_cache=True)

    def work(given: dict[str, str]) -> dict[str, Any]:
        rows = pq.read_table(given["source"]).to_pylist()
        documents = [Document(text=row["text"], metadata={"id": row["id"]}) for row in rows]
        nodes = pipeline.run(documents=documents)
        columns = {
            "id": [node.metadata["id"] for node in nodes],
            "text": [node.text for node in nodes],
            "embedding": pa.array([node.embedding for node in nodes], pa.list_(pa.float32(), 384)),
        }
        with tempfile.TemporaryDirectory() as out:
            pq.write_table(pa.table(columns), f"{out}/out.parquet")
        return {"chunks": len(nodes)}

    return work


if __name__ == "__main__":
    serve(load, "llama-index-core", "sentence-transformers")
