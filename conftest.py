"""What holds for all property tests."""

from __future__ import annotations

import os
import tempfile

try:
    from hypothesis import settings
except ImportError:  # the environments of the examples and of the peers have no property tests
    pass
else:
    # A slow machine is no defect. With CI set the examples are the same each time: a change is judged, not chance.
    settings.register_profile("vecmill", deadline=None, derandomize="CI" in os.environ)
    settings.load_profile("vecmill")


# What a test's runs write down of themselves is not the user's, and no test finds what another session wrote.
_STATE = tempfile.TemporaryDirectory(prefix="vecmill-state-", ignore_cleanup_errors=True)
os.environ["VECMILL_STATE"] = _STATE.name
