"""Tables are aligned."""

import click
from hypothesis import given
from hypothesis import strategies as st

from vecmill.cli.format import format_table

CELLS = st.text("ab ", max_size=12)


@given(st.lists(st.tuples(CELLS, CELLS, st.text("ab ", max_size=300)), max_size=5))
def test_no_word_is_lost_and_columns_stand_in_line(rows):
    """Wrapping moves words to further lines, and nothing else."""
    lines = [click.unstyle(line) for line in format_table(("one", "two", "three"), rows)]
    start = lines[0].index("three")
    words = [word for row in rows for word in "".join(row[-1]).split()]
    found = "".join("".join(line[start:].split()) for line in lines[1:])
    assert found == "".join(words)
