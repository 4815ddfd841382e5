"""The documentation says what the code does."""

import re
import sys
import types

import pytest

from places import ROOT
from vecmill import hookspecs
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
    code, test = blocks(ROOT / "docs" / "plugins.md", "python")
    module = types.ModuleType("vecmill_sentences")
    monkeypatch.setitem(sys.modules, "vecmill_sentences", module)
    exec(code, vars(module))  # noqa: S102 - our own page
    check_chunker(module.Sentences)
    assert "check_chunker(Sentences)" in test


def test_links_between_pages_lead_somewhere():
    """Every relative link in the documentation is to a file of the repository."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *ROOT.glob("packages/*/README.md")]
    for page in pages:
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"


def test_the_project_speaks_of_itself_alone():
    """No tracked text has an absolute path of somebody's machine in it."""
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.toml")]:
        assert not re.search(r"(?<![\w/])/(home|work|root|Users)/", path.read_text()), path
