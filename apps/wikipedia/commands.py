"""Commands besides ``main``: ``modal run -m apps.wikipedia::check``.

Each is a separate app: of several entry points in one app Modal would not know which to run without a name. To
open the dataset builds no image for a GPU either.
"""

import contextlib
import time
from collections.abc import Iterator
from json import dumps
from typing import Any

import modal

from apps.wikipedia import settings
from apps.wikipedia.app import app, on_driver
from apps.wikipedia.app import refresh as scheduled
from vecmill.errors import ConfigError, StoreError, VecmillError
from vecmill_modal_runtime import volume
from vecmill_modal_runtime.app import answer, report_errors, unwrap_answer
from vecmill_modal_runtime.releases import open_dataset
from vecmill_modal_runtime.status import all_statuses, describe_status, read_status

check = modal.App(f"{settings.APP}-check")
query = modal.App(f"{settings.APP}-query")
refresh = modal.App(f"{settings.APP}-refresh").include(app)
status = modal.App(f"{settings.APP}-status")


@check.function(**on_driver, timeout=600)
def count(run: str) -> str | VecmillError:
    """Time opening the dataset from the Volume, and count its rows."""
    return answer(lambda: _count_rows(run))


@check.local_entrypoint()
def check_now(run: str = "") -> None:
    """Time opening the dataset from the Volume, and count its rows."""
    with report_errors():
        print(unwrap_answer(count.remote(run)))


@query.function(**on_driver, timeout=3600)
def select(sql: str, run: str) -> str | VecmillError:
    """Run SQL over the dataset on the Volume."""
    return answer(lambda: _select_rows(sql, run))


@query.local_entrypoint()
def query_now(sql: str = "select count(*) as rows from dataset", run: str = "") -> None:
    """Run SQL over the dataset on the Volume; it is called ``dataset``."""
    with report_errors():
        print(unwrap_answer(select.remote(sql, run)))


@refresh.local_entrypoint()
def refresh_now() -> None:
    """Do it again if the source has changed, as the schedule does."""
    with report_errors():
        settings.show(unwrap_answer(scheduled.remote(for_command=True)))


@status.local_entrypoint()
def status_now(run: str = "", json: bool = False) -> None:  # noqa: FBT001, FBT002 - Modal makes flags of them
    """Say how a run stands, or how it ended: the last one, or that of a release, by its name."""
    with report_errors():
        found = read_status(run or settings.NAME, all_statuses(settings.VOLUME))
        print(dumps(found.model_dump(), indent=2) if json else describe_status(found))


def _count_rows(run: str) -> str:
    began = time.perf_counter()
    with _open_release(run) as dataset:
        rows = dataset.count_rows()
    return f"{rows:,} rows in {len(dataset.files)} files, counted in {time.perf_counter() - began:.2f} s"


def _select_rows(sql: str, run: str) -> str:
    import duckdb

    with _open_release(run) as dataset:
        try:
            return str(duckdb.connect().register("dataset", dataset).sql(sql))
        except duckdb.Error as error:
            raise ConfigError(f"--sql: {error}") from error


@contextlib.contextmanager
def _open_release(run: str) -> Iterator[Any]:
    from pyarrow import ArrowInvalid

    volume.reload()
    try:
        yield open_dataset(volume.RUNS, settings.NAME, run)
    except (OSError, ArrowInvalid) as error:
        raise StoreError(
            f"{run or 'the current run'} cannot be read ({error}): `modal run -m apps.wikipedia` makes again what is "
            "damaged"
        ) from error
