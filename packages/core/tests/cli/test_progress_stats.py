"""What the events of a run come to."""

from typing import Any

import pytest

from vecmill.records import (
    Progress,
    RunFinished,
    ShardDone,
    ShardFailed,
    ShardFailure,
    ShardProgress,
    ShardRetried,
)

NO_MANIFEST: Any = None
"""Nobody reads it here."""


def progress(shard, share):
    """Report a share of a shard like those of the fixtures."""
    return ShardProgress(Progress(shard, int(10 * share), int(100 * share), int(5000 * share), int(1e8 * share)))


def test_a_run_goes_through_its_phases(stats, plan, receipt):
    """Preparing until there is a plan, starting until a worker reports, finishing after the last shard."""
    phases = [stats.view().phase]
    for event in (plan(2, 0), ShardDone(receipt(0), 10**8), ShardDone(receipt(1), 10**8), RunFinished(NO_MANIFEST, "")):
        stats.take(event)
        phases.append(stats.view().phase)
    assert phases == ["preparing", "starting", "embedding", "finishing", "publishing"]


def test_what_is_done_is_counted_by_text(stats, plan):
    """The bar is over bytes of text, those of an earlier command included; counts are this command's own."""
    stats.take(plan(12, 3))
    stats.take(progress(3, 0.5))
    view = stats.view()
    assert (view.bytes, view.bytes_done) == (1_200_000_000, 350_000_000)
    assert (view.shards, view.shards_done) == (12, 3)
    assert view.counts.chunks == 50
    assert view.share == pytest.approx(350 / 1200)


def test_time_left_comes_from_this_commands_own_speed(stats, plan, clock):
    """What was done before took no time now: 900 MB at 10 MB/s are 90 s, not 120 s at some other speed."""
    stats.take(plan(12, 3))
    clock.now += 60  # workers load the model
    stats.take(progress(3, 0.0))
    for _ in range(5):
        clock.now += 1
        stats.take(progress(3, (clock.now - 1060) / 10))
    assert stats.view().left == pytest.approx((900 - 50) / 10)
    assert stats.view().speed.chunks == pytest.approx(10)


def test_there_is_no_time_left_to_tell_before_there_is_a_speed(stats, plan, clock):
    """Neither at the very beginning nor while nothing moves."""
    stats.take(plan())
    assert stats.view().left is None
    stats.take(progress(3, 0.0))
    clock.now += 10
    assert stats.view().left is None


def test_a_retried_shard_gives_back_its_progress(stats, plan):
    """After a failed attempt the bar goes back to what is really done."""
    stats.take(plan(12, 3))
    stats.take(progress(3, 0.9))
    stats.take(ShardRetried(3, "killed"))
    assert stats.view().bytes_done == 300_000_000
    stats.take(progress(4, 0.5))
    stats.take(ShardFailed(ShardFailure(index=4, error="no")))
    assert stats.view().bytes_done == 300_000_000


def test_a_runtime_that_reports_only_finished_shards_has_a_speed(stats, plan, receipt, clock):
    """The receipt says how long the shard took."""
    stats.take(plan(2, 0))
    clock.now += 100
    stats.take(ShardDone(receipt(0, seconds=20), 10**8))
    assert stats.view().speed.chunks == pytest.approx(5)
    assert stats.view().left == pytest.approx(20)


def test_embedding_time_leaves_out_what_came_before_and_after(stats, plan, receipt, clock):
    """From the first text read to the last shard written: not the plan, not the model, not the manifest."""
    clock.now += 30
    stats.take(plan(3, 0))
    clock.now += 10
    stats.take(ShardDone(receipt(1, seconds=4), 10**8))
    stats.take(ShardDone(receipt(0, seconds=6), 10**8))
    clock.now += 2
    stats.take(ShardDone(receipt(2, seconds=2), 10**8))
    clock.now += 50
    assert stats.embedding_seconds == pytest.approx(8)
    assert (stats.shards_made, stats.made.chunks) == (3, 300)


def test_shards_that_are_done_again_do_not_count_beyond_the_whole(stats, plan, receipt):
    """Setting duplicates aside starts the run once more; the bar begins again with what is to be done."""
    stats.take(plan(2, 0))
    for index in range(2):
        stats.take(ShardDone(receipt(index), 10**8))
    stats.take(plan(2, 1))
    assert stats.view().bytes_done == 10**8
    stats.take(ShardDone(receipt(1), 10**8))
    view = stats.view()
    assert (view.share, view.shards_done, view.phase) == (1, 2, "finishing")


def test_a_source_that_does_not_know_its_size_is_counted_in_shards(stats, plan, receipt):
    """Without bytes the share is that of the shards."""
    import dataclasses

    stats.take(dataclasses.replace(plan(4, 0), bytes=0))
    stats.take(ShardDone(receipt(0), 0))
    assert stats.view().share == 0.25
    assert stats.view().left is None
