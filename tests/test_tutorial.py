"""docs/tutorial.md, followed from its first line to its last."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from doubles.hub import HubDouble, User
from repository import ROOT, model_folder

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
BLOCK = re.compile(r"(?:^`(?P<file>[\w./-]+)`:\n\n)?^```(?P<kind>\w+)\n(?P<content>.*?)^```$", re.DOTALL | re.MULTILINE)
DOCTEST = "import doctest, sys; sys.exit(doctest.testfile('page.txt', module_relative=False).failed)"


LENT = """
import site
for folder in {folders}:
    site.addsitedir(folder)
"""
"""Makes what is installed here, and what the page installs, known to both Pythons: so nothing is downloaded."""


@pytest.fixture
def environment(tmp_path):
    """What a user's shell has, and a Hub with the model; what the page installs is installed already."""
    own = Path(sysconfig.get_path("purelib"))
    theirs = tmp_path / "work" / ".venv" / own.relative_to(sys.prefix)
    (tmp_path / "lent").mkdir()
    (tmp_path / "lent" / "sitecustomize.py").write_text(LENT.format(folders=[str(own), str(theirs)]))
    with HubDouble(tmp_path / "hub") as hub:
        hub.users["hf_token"] = User("you")
        hub.add("model", MODEL, model_folder())
        yield {
            "HF_ENDPOINT": hub.url,
            "HF_HOME": str(tmp_path / "cache"),
            "HF_TOKEN": "hf_token",
            "HOME": str(tmp_path),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PIP_NO_BUILD_ISOLATION": "0",
            "PIP_NO_INDEX": "1",
            "PYTHONPATH": str(tmp_path / "lent"),
        }


class Reader:
    """Somebody who does as the page says.

    Args:
        folder: Where to work.
        environment: The variables of the shell.
    """

    def __init__(self, folder, environment):
        self.folder, self.environment, self.output = folder, environment, ""

    def file(self, name, content):
        """Write a file that the page shows."""
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(content)

    def bash(self, content):
        """Run commands in the environment that the page made, once it is there."""
        activate = self.folder / ".venv" / "bin" / "activate"
        before = f"source {activate}\n" if activate.exists() else ""
        self.output = self._run(["bash", "-euo", "pipefail", "-c", before + content])

    def python(self, content):
        """Run examples, and compare what they say to the letter."""
        self.file("page.txt", content)
        self._run([self.folder / ".venv" / "bin" / "python", "-c", DOCTEST])

    def text(self, content):
        """Find what is shown in what the last commands said, in order; what the page leaves out may be there too."""
        rest = " ".join(self.output.split())
        for shown in filter(None, (" ".join(part.split()) for part in re.split("[…\n]", content))):
            _, found, rest = rest.partition(shown)
            assert found, f"{shown!r} is not in\n{self.output}"

    def _run(self, command):
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.mark.slow
def test_the_tutorial_can_be_followed(tmp_path, environment):
    """Files are written as shown, commands run in order, and say what the page says they say."""
    reader = Reader(tmp_path / "work", environment)
    reader.folder.mkdir()
    for block in BLOCK.finditer((ROOT / "docs" / "tutorial.md").read_text()):
        name, kind, content = block["file"], block["kind"], block["content"]
        if name:
            reader.file(name, content)
        else:
            getattr(reader, kind)(content)
