"""The memory and the processors of the machine, or of its container."""

import pytest

from vecmill.cli import environment as machine


@pytest.mark.parametrize(
    ("content", "quota"), [("150000 100000\n", 1.5), ("max 100000\n", None), ("nonsense", None), (None, None)]
)
def test_a_containers_share_of_the_processors_is_known(tmp_path, content, quota):
    """Where it is limited, and only there."""
    if content is not None:
        (tmp_path / "cpu.max").write_text(content)
    assert machine.read_quota(tmp_path) == quota


@pytest.mark.parametrize("name", machine.MEMORY_LIMITS)
def test_a_containers_limit_of_memory_is_kept_to(tmp_path, name):
    """In both places where systems write it; "max" and absurd limits mean the machine's own memory."""
    whole = machine.measure_memory(tmp_path / "nothing")
    limit = tmp_path / name
    limit.parent.mkdir(parents=True, exist_ok=True)
    for content, expected in (("1000000", 1_000_000), ("max\n", whole), (str(2**63), whole)):
        limit.write_text(content)
        assert machine.measure_memory(tmp_path) == expected
    assert whole is not None
    assert whole > 1_000_000


def test_free_memory_is_read_where_the_system_tells(tmp_path):
    """In bytes; not known elsewhere."""
    path = tmp_path / "meminfo"
    path.write_text("MemTotal: 10 kB\nMemAvailable:    7 kB\n")
    assert machine.measure_free_memory(path) == 7 * 1024
    assert machine.measure_free_memory(tmp_path / "none") is None


def test_there_is_at_least_one_processor():
    """And no more than the machine has."""
    import os

    assert 1 <= machine.count_processors() <= (os.cpu_count() or 1)
