"""The soak, in short; `hatch run soak` is the long one."""

import sys

import pytest

from reliability.soak import describe, soak


@pytest.mark.fault(
    "load",
    "one answer in twenty is damaged, for a million chunks (20,000 in the suite)",
    promise="No character is lost; neither memory nor open files grow.",
)
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="what a process holds is read from /proc")
def test_nothing_is_lost_and_nothing_grows(tmp_path):
    """Account and corpus agree, and no process needs more than a long run does; that it stays so, a long run shows."""
    soaked = soak(20_000, tmp_path, target_mb=8)
    assert soaked.spoilt > soaked.requests / 50, list(describe(soaked))
    for usage in soaked.usage.values():
        assert max(usage.memory) < 1e9
        assert max(usage.files) < 100
