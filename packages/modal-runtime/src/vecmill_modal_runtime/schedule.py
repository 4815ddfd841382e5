"""Schedule: when an app runs by itself, read here, for Modal's client sends what it is given."""

from __future__ import annotations

import datetime as dt
import re

import modal

from vecmill.errors import ConfigError

FIELDS = ("minute", "hour", "day of the month", "month", "day of the week")
_PLAIN = re.compile(r"(?:[0-9*,/-]|[A-Za-z]{3})+")
"""A field of numbers, or of months or days by their first three letters: what every cron reads."""


def read_cron(line: str, name: str) -> modal.Cron:
    """Return the schedule of a cron line, in UTC.

    Args:
        line: Such as ``0 4 3 * *``: at 4 in the morning of the 3rd of each month.
        name: Where the line stands, for messages.

    Raises:
        ConfigError: It cannot be read, or never comes.
    """
    from cronsim import CronSim, CronSimError

    def refuse(why: str) -> ConfigError:
        return ConfigError(
            f"{name} = {line!r}: {why}. Write {len(FIELDS)} fields ({', '.join(FIELDS)}), as '0 4 3 * *'"
        )

    fields = line.split()
    if len(fields) != len(FIELDS):
        raise refuse("it is " + (f"{len(fields)} words" if len(fields) != 1 else "one word"))
    for what, field in zip(FIELDS, fields, strict=True):
        if not _PLAIN.fullmatch(field):
            raise refuse(f"the {what}, {field!r}, is no number, name, range or list of them")
    text = " ".join(fields)
    try:
        next(CronSim(text, dt.datetime(2026, 1, 1, tzinfo=dt.UTC)))
    except CronSimError as error:
        raise refuse(str(error).lower()) from error
    except StopIteration:
        raise refuse("that day never comes") from None
    return modal.Cron(text)
