"""What ``import vecmill`` offers."""

import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import vecmill

README = (Path(__file__).parents[1] / "README.md").read_text()
PUBLIC = sorted(set(re.findall(r"`(vecmill(?:\.\w+)+)`", README)))


def test_every_public_name_is_there_and_told_of():
    """The package's docstring says what it is for, and it has a docstring."""
    for name in set(vecmill.__all__) - {"__version__"}:
        assert re.search(rf"\b{name}\b", vecmill.__doc__), name
        assert getattr(vecmill, name).__doc__, name
    assert sorted(vecmill.__all__) == vecmill.__all__


def test_dir_is_the_public_names():
    """Neither an imported submodule, nor a private name, nor a library shows up in completion."""
    for name in vecmill.__all__:
        getattr(vecmill, name)
    assert dir(vecmill) == vecmill.__all__


@pytest.mark.parametrize("name", PUBLIC)
def test_what_the_readme_calls_public_can_be_imported(name):
    """``vecmill.testing``, ``vecmill.Source`` and the like: modules, and names in modules."""
    pkgutil.resolve_name(name)


def test_looking_at_the_names_imports_nothing():
    """Completion at a prompt costs no more than the import."""
    code = "import sys, vecmill; before = set(sys.modules); dir(vecmill); print(set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
