"""The best rows of many parts are the best rows of all."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vecmill.retrieval.searcher import highest


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=60), st.integers(1, 70))
def test_it_is_the_beginning_of_a_stable_sort(scores, limit):
    """Best first, and of equal scores the earlier, whatever the limit."""
    expected = sorted(range(len(scores)), key=lambda row: -scores[row])[:limit]
    assert highest(np.array(scores, np.float32), limit).tolist() == expected
