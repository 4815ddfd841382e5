"""The documentation says what the code does."""

import re
import sys
import types

import pytest

from places import ROOT
from small_dataset import small_dataset
from vecmill import hookspecs
from vecmill.records import RunFinished
from vecmill.testing import check_chunker

HOOKS = sorted(name for name in vars(hookspecs) if name.startswith("vecmill_"))


def blocks(path, language):
    """Return a page's code blocks in a language."""
    return re.findall(rf"```{language}\n(.*?)```", path.read_text(), flags=re.DOTALL)


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_documented_with_its_arguments(hook):
    """docs/hooks.md has a section for each hook, with the hook's own signature."""
    function = getattr(hookspecs, hook)
    arguments = ", ".join(function.__code__.co_varnames[: function.__code__.co_argcount])
    assert f"## {hook}({arguments})\n" in (ROOT / "docs" / "hooks.md").read_text()


def test_the_plugin_in_the_docs_keeps_its_protocol(monkeypatch):
    """The chunker of docs/plugins.md passes the check that the page tells its author to run."""
    code, test, _ = blocks(ROOT / "docs" / "plugins.md", "python")
    module = types.ModuleType("vecmill_sentences")
    monkeypatch.setitem(sys.modules, "vecmill_sentences", module)
    exec(code, vars(module))  # noqa: S102 - our own page
    check_chunker(module.Sentences)
    assert "check_chunker(Sentences)" in test


def test_the_observer_in_the_docs_tells_of_a_run(tmp_path, capsys):
    """The hook of docs/plugins.md prints where the dataset is, and how much is in it."""
    *_, code = blocks(ROOT / "docs" / "plugins.md", "python")
    module = types.ModuleType("observer")
    exec(code, vars(module))  # noqa: S102 - our own page
    dataset = small_dataset(tmp_path, 2)
    module.vecmill_run_event(RunFinished(dataset.manifest, str(dataset.path)))
    assert capsys.readouterr().out == f"{dataset.path}: {dataset.account.chunks} chunks\n"


def test_links_between_pages_lead_somewhere():
    """Every relative link in the documentation is to a file of the repository."""
    readmes = [*ROOT.glob("packages/*/README.md"), *ROOT.glob("examples/*/README.md")]
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *readmes]
    for page in pages:
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"


def test_the_project_speaks_of_itself_alone():
    """No tracked text has an absolute path of somebody's machine in it."""
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.toml")]:
        assert not re.search(r"(?<![\w/])/(home|work|root|Users)/", path.read_text()), path
