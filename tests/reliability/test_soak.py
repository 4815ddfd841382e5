"""The soak, in short; `hatch run soak` is the long one."""

import sys

import pytest

from reliability.soak import assert_flat, soak, told


@pytest.mark.fault(
    "load",
    "one answer in twenty is spoilt, for a million chunks (20,000 in the suite)",
    promise="Nothing is lost, to the character; neither memory nor open files grow.",
)
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="what a process holds is read from /proc")
def test_nothing_is_lost_and_nothing_grows(tmp_path):
    """Account and corpus agree; the last third of the run needs what the middle third needed, or little more."""
    soaked = soak(20_000, tmp_path, target_mb=8)
    assert soaked.spoilt > soaked.requests / 50, list(told(soaked))
    assert_flat(soaked, memory=1.5)
