"""Schedule: a cron line is what every cron reads, or refused before a deployment."""

import pytest

from vecmill.errors import ConfigError
from vecmill_modal_runtime.schedule import read_cron


@pytest.mark.parametrize(
    "line", ["0 4 3 * *", " 0  4 3\t* * ", "*/15 0-6 1,15 * 1-5/2", "30 5 * jan-mar MON,wed", "0 0 29 2 *", "0 0 * * 7"]
)
def test_a_line_that_a_cron_reads_is_a_schedule(line):
    """With single blanks between the fields, which is how Modal is told."""
    assert read_cron(line, "X").proto_message.cron.cron_string == " ".join(line.split())


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "it is 0 words"),
        ("0 4 3 *", "it is 4 words"),
        ("0 0 4 3 * *", "it is 6 words"),
        ("@daily", "it is one word"),
        ("Period(days=1)", "it is one word"),
        ("60 * * * *", "bad minute"),
        ("0 24 * * *", "bad hour"),
        ("0 4 0 * *", "bad day-of-month"),
        ("0 4 * 13 *", "bad month"),
        ("0 4 * * day", "bad day-of-week"),
        ("*/0 * * * *", "bad minute"),
        ("30-10 * * * *", "bad minute"),
        ("0 4 L * *", "the day of the month, 'L', is no number"),
        ("0 4 * * MON#5", "the day of the week, 'MON#5', is no number"),
        ("0 4 ? * *", "the day of the month, '\\?', is no number"),
        ("\u0660 4 * * *", "the minute"),
    ],
)
def test_one_that_no_cron_reads_is_refused_with_its_field(line, why):
    """Shorthands and extensions of some crons too: nobody knows whether Modal has them."""
    with pytest.raises(ConfigError, match=f"VECMILL_CRON = .*: {why}.*Write 5 fields"):
        read_cron(line, "VECMILL_CRON")


def test_a_day_that_never_comes_is_refused():
    """30 February is in range of both of its fields."""
    with pytest.raises(ConfigError, match=r"never comes|bad day-of-month"):
        read_cron("0 4 30 2 *", "VECMILL_CRON")
