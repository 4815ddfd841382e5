"""The house: the packages' source is cut into files as docs/design.md says."""

import re

import pytest

import house


@pytest.fixture(scope="module")
def figures():
    """The figures of the source as it is."""
    return house.measure()


@pytest.mark.parametrize("name", house.BOUNDS)
def test_a_figure_keeps_to_its_bound(figures, name):
    """Files are few and large enough, their names are the field's, and a run enters few of them."""
    assert house.is_within(name, figures[name]), f"{name}: {figures[name]}, {house.bound(name)}"


@pytest.mark.parametrize("name", house.BOUNDS)
def test_the_page_has_the_bound_and_a_figure_within_it(name):
    """What docs/design.md says of the house is what is checked."""
    page = house.PAGE.read_text(encoding="utf-8")
    (row,) = re.findall(rf"(?m)^\| {re.escape(name)} \| (.+) \| .+ \| (.+) \|$", page)
    assert row[0] == house.bound(name)
    assert house.is_within(name, float(row[1]))
