"""The app for ``vecmill run`` from a local machine: it lives as long as the command.

Options and the Hub's token are those of the local machine: it sets the variable, then imports this module. In
containers the variable is part of the image.
"""

import os
from typing import Any

import modal

from vecmill import Job, open_dataset
from vecmill.errors import VecmillError
from vecmill_modal_runtime.app import answer, mounts, register
from vecmill_modal_runtime.driver import Driver
from vecmill_modal_runtime.images import cpu_image
from vecmill_modal_runtime.jobs import adapt_job
from vecmill_modal_runtime.options import DAY, ModalOptions
from vecmill_modal_runtime.sources import fetch
from vecmill_modal_runtime.volume import DEFAULT, NAME

VARIABLE = "VECMILL_MODAL_OPTIONS"
TOKEN = "HF_TOKEN"  # noqa: S105 - a name

options = ModalOptions.model_validate_json(os.environ.get(VARIABLE, "{}"))
volume_name = os.environ.get(NAME, DEFAULT)
secrets = [modal.Secret.from_dict({TOKEN: os.environ.get(TOKEN, "")})]
app = modal.App("vecmill")

driver_image = cpu_image(volume_name, variables={VARIABLE: options.model_dump_json()})
on_driver: dict[str, Any] = {"image": driver_image, "volumes": mounts(options, volume_name), "secrets": secrets}
Worker = register(app, options, volume_name, secrets)


@app.function(**on_driver, timeout=3600, max_containers=20, retries=3)
def download(piece: str) -> str:
    """Fetch a file of the source to the Volume."""
    return fetch(piece)


@app.function(**on_driver, timeout=DAY, max_containers=1)
def embed(job: Job, *, trust_vectors: bool = False) -> tuple[dict[str, str], str] | VecmillError:
    """Run a job; return where its dataset is, and its manifest as JSON."""
    return answer(lambda: _embed_job(job, trust_vectors=trust_vectors))


def _embed_job(job: Job, *, trust_vectors: bool) -> tuple[dict[str, str], str]:
    done = Driver(options, download.map).embed(adapt_job(job), trust_vectors=trust_vectors)
    return done, open_dataset(done["dataset"]).manifest.model_dump_json()
