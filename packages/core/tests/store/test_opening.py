"""Tests of vecmill.store.json."""

import pytest

import vecmill
from vecmill.errors import StoreError


def test_a_dataset_that_is_opened_is_the_one_that_its_run_gave(corpus, job):
    """The same folder, manifest and account."""
    made = vecmill.run(job(corpus({"id": "1", "text": "Some text."})))
    opened = vecmill.open_dataset(made.path)
    assert (opened.path, opened.manifest, opened.account) == (made.path, made.manifest, made.account)


def test_a_folder_without_one_is_refused(tmp_path):
    """The message says what was looked for."""
    with pytest.raises(StoreError, match="holds no finished dataset: vecmill made nothing there"):
        vecmill.open_dataset(tmp_path)
