"""Upload: a source of this machine. ``modal run -m apps.wikipedia.upload --path articles.parquet``."""

from pathlib import Path

import modal

from apps.wikipedia import settings
from vecmill.errors import ConfigError
from vecmill_modal_runtime.app import report_errors
from vecmill_modal_runtime.volume import put

# a separate app: no image is built, and ``modal run -m apps.wikipedia`` has one entry point
app = modal.App(f"{settings.APP}-upload")


@app.local_entrypoint()
def upload(path: str, to: str = "") -> None:
    """Put a file or a folder of this machine on the Volume, and say what to write into the job."""
    with report_errors():
        if not path:
            raise ConfigError("--path is empty: name a file or a folder; the current folder is '.'")
        print(f'source.path = "{put(Path(path), settings.VOLUME, to)}"')
