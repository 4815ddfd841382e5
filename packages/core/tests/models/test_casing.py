"""check_casing: do_lower_case holds only if the tokenizer does it."""

from __future__ import annotations

import pytest

from vecmill.errors import ModelError
from vecmill.models.settings import check_casing

LOWER = {"type": "Lowercase"}
BERT = {"type": "BertNormalizer", "lowercase": True}


@pytest.mark.parametrize("normalizer", [LOWER, BERT, {"type": "Sequence", "normalizers": [{"type": "NFC"}, LOWER]}])
def test_a_tokenizer_that_lowers_is_accepted(normalizer, tmp_path, write_model):
    """On its own, as part of BERT's normalizer, or in a sequence."""
    check_casing(write_model(tmp_path, {"tokenizer.json": {"normalizer": normalizer}}), {"do_lower_case": True})


@pytest.mark.parametrize("normalizer", [None, {"type": "NFC"}, BERT | {"lowercase": False}])
def test_capitals_that_would_stay_are_refused(normalizer, tmp_path, write_model):
    """The model would see texts it was not trained on."""
    folder = write_model(tmp_path, {"tokenizer.json": {"normalizer": normalizer}})
    with pytest.raises(ModelError, match="does not make them so"):
        check_casing(folder, {"do_lower_case": True})
    check_casing(folder, {"do_lower_case": False})
    check_casing(folder, {})
