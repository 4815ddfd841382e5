"""What ``import vecmill`` offers."""

import re
import subprocess
import sys

import vecmill


def test_every_public_name_is_there_and_told_of():
    """``dir`` lists it for completion, the package's docstring says what it is for, and it has a docstring."""
    for name in set(vecmill.__all__) - {"__version__"}:
        assert name in dir(vecmill)
        assert re.search(rf"\b{name}\b", vecmill.__doc__), name
        assert getattr(vecmill, name).__doc__, name
    assert sorted(vecmill.__all__) == vecmill.__all__


def test_looking_at_the_names_imports_nothing():
    """Completion at a prompt costs no more than the import."""
    code = "import sys, vecmill; before = set(sys.modules); dir(vecmill); print(set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
