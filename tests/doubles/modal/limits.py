"""Limits: definitions that Modal refuses."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from cronsim import CronSim, CronSimError
from grpclib import Status

from doubles.modal.rpc import refuse

if TYPE_CHECKING:
    from modal_proto import api_pb2

DAY = 86_400
CRON_FIELDS = 5
GPUS = frozenset(
    "T4 L4 A10 A10G L40S A100 A100-40GB A100-80GB RTX-PRO-6000 H100 H100! H200 B200 B200+ ANY".split()  # noqa: SIM905
)
IDLE = range(2, 3601)
"""Seconds that a container may wait for more work."""


def check(definition: api_pb2.Function) -> None:
    """Refuse what Modal refuses.

    Raises:
        GRPCError: A GPU that there is none of, a time out of range, or a schedule that cannot be read.
    """
    gpu = definition.resources.gpu_config.gpu_type
    if gpu and gpu not in GPUS:
        raise refuse(Status.INVALID_ARGUMENT, f"unsupported GPU type: {gpu}")
    if definition.timeout_secs and not 1 <= definition.timeout_secs <= DAY:
        raise refuse(Status.INVALID_ARGUMENT, f"timeout must be between 1 and {DAY} seconds")
    line = definition.schedule.cron.cron_string
    if line and not _readable(line):
        raise refuse(Status.INVALID_ARGUMENT, f"invalid cron string: {line}")
    idle = definition.autoscaler_settings.scaledown_window
    if idle and idle not in IDLE:
        raise refuse(Status.INVALID_ARGUMENT, "scaledown_window must be between 2 and 3600")


def _readable(line: str) -> bool:
    try:
        CronSim(line, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    except CronSimError:
        return False
    return len(line.split()) == CRON_FIELDS
