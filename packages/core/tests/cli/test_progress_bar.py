"""What the progress bar shows."""

import io
import re
from typing import Any

import pytest
from rich.console import Console

from vecmill.cli.progress import bar
from vecmill.records import Progress, Publishing, RunFinished, ShardProgress, ShardRetried

NO_MANIFEST: Any = None
"""Nobody reads it here."""


@pytest.fixture
def screen():
    """A terminal of 80 columns that is a file, too."""
    return Console(file=io.StringIO(), force_terminal=True, width=80, height=20, color_system=None, _environ={})


def drawn(stats, screen, *events):
    """Draw a frame after some events, and return everything written."""
    with bar(stats, screen) as show:
        for event in events:
            stats.take(event)
            show(event)
    return screen.file.getvalue()


def test_before_the_plan_it_says_what_is_prepared(stats, screen):
    """Hashing a source and loading a model take time: the user sees that something happens."""
    assert "preparing: reading the model and the source  0:00" in drawn(stats, screen)


def test_the_bar_has_share_counts_speeds_and_times(stats, plan, screen, clock):
    """Everything is there on 80 columns."""
    stats.take(plan(12, 3))
    for second in range(11):
        stats.take(ShardProgress(Progress(3, 1200 * second, 10 * second, 500 * second, 10_000_000 * second)))
        clock.now += 1
    frame = drawn(stats, screen)
    assert re.search("33% +1:28 left", frame)  # versions of rich differ in the space between
    assert "12,000 documents  9.1 chunks/s  455 tokens/s  3/12 shards  0:11 elapsed" in frame


def test_no_line_is_wider_than_the_terminal(stats, plan, screen, clock):
    """Even with the largest numbers: a wrapped line would break the redrawing."""
    stats.take(plan(99_999, 0))
    for second in range(11):
        size = 10**12 * second
        stats.take(ShardProgress(Progress(0, size, size, size, size)))
        clock.now += 360_000
    frame = drawn(stats, screen)
    assert max(map(len, frame.replace("\r", "\n").splitlines())) <= 80 + len("\x1b[1A\x1b[2K") * 3


def test_failures_stay_above_the_bar(stats, plan, screen):
    """Markup in an error is shown, not obeyed."""
    output = drawn(stats, screen, plan(12, 3), ShardRetried(4, "[bold]worker[/bold] was killed"))
    assert "900.0 MB of 1.2 GB of text in 9 of 12 shards left, into /data/out" in output
    assert "shard 4 failed and will be tried again: [bold]worker[/bold] was killed" in output


def test_the_cursor_comes_back(stats, plan, screen):
    """Also when the run is interrupted."""

    def interrupted():
        with bar(stats, screen):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    output = screen.file.getvalue()
    assert output.rindex("\x1b[?25h") > output.rindex("\x1b[?25l")


def test_while_workers_start_there_is_no_bar_that_stands_still(stats, plan, screen):
    """Loading a model takes time: nothing is at 0% yet."""
    output = drawn(stats, screen, plan(12, 3))
    assert "starting: workers load the model" in output
    assert "0%" not in output


def test_after_the_last_shard_it_says_what_remains(stats, plan, screen):
    """Finishing and publishing have their own words."""
    assert "finishing" in drawn(stats, screen, plan(2, 2))
    assert "publishing" in drawn(stats, screen, RunFinished(NO_MANIFEST, ""))


def test_a_publication_has_a_bar_over_its_bytes(stats, screen):
    """How much of the dataset is where, so that an hour of sending is not an hour of nothing."""
    frame = drawn(stats, screen, RunFinished(NO_MANIFEST, ""), Publishing("https://hub/x", 25 * 10**6, 100 * 10**6))
    assert "25%" in frame
    assert "25.0 MB of 100.0 MB are at https://hub/x  0:00 elapsed" in frame
