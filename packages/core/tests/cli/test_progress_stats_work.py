"""How the work of a run is counted."""

from hypothesis import given
from hypothesis import strategies as st

from vecmill.cli.progress_stats import Counts, Work


def test_a_finished_shard_replaces_what_was_reported_of_it():
    """Nothing counts twice: a shard's last word is its receipt."""
    work = Work()
    work.progress(0, Counts(1, 10, 100, 1000))
    work.progress(1, Counts(2, 20, 200, 2000))
    work.finish(0, Counts(5, 50, 500, 5000))
    assert work.finished == Counts(5, 50, 500, 5000)
    assert work.useful == Counts(7, 70, 700, 7000)


def test_lost_work_is_speed_but_not_progress():
    """An attempt that failed no longer counts for the dataset, and did take its time."""
    work = Work()
    work.progress(0, Counts(chunks=10))
    work.lose(0)
    assert work.useful == Counts()
    assert work.all == Counts(chunks=10)


def test_a_shard_that_begins_anew_is_noticed_without_being_told():
    """A runtime that retries in silence does not make the counts go wrong."""
    work = Work()
    work.progress(0, Counts(chunks=10))
    work.progress(0, Counts(chunks=3))
    assert (work.useful.chunks, work.all.chunks) == (3, 13)


@given(st.lists(st.tuples(st.sampled_from(["progress", "lose", "restart"]), st.integers(0, 2), st.integers(0, 50))))
def test_all_work_never_goes_down(steps):
    """Whatever fails or begins anew, the sum that speed is taken from only grows."""
    work, before = Work(), 0
    for step, shard, chunks in steps:
        if step == "progress":
            work.progress(shard, Counts(chunks=chunks))
        elif step == "lose":
            work.lose(shard)
        else:
            work.restart()
        assert work.all.chunks >= before
        before = work.all.chunks
