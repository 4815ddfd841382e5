"""The documentation says what the code does."""

import importlib
import re
import sys
import tomllib
import types
from typing import Any

import fsspec
import pytest

from repository import ROOT
from small_dataset import small_dataset
from vecmill import Manifest, hookspecs
from vecmill.cli.main import COMMANDS
from vecmill.plugins import load
from vecmill.records import RunFinished
from vecmill.records.documents import CHUNK_COLUMNS, DOCUMENT_COLUMNS, VECTOR_COLUMN
from vecmill.testing import check_chunker, check_source

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
    code, test, *_ = blocks(ROOT / "docs" / "plugins.md", "python")
    module = types.ModuleType("vecmill_sentences")
    monkeypatch.setitem(sys.modules, "vecmill_sentences", module)
    exec(code, vars(module))  # noqa: S102 - our own page
    check_chunker(module.Sentences)
    assert "check_chunker(Sentences)" in test


def test_the_source_and_the_publisher_in_the_docs_pass_the_tests_in_the_docs(monkeypatch, tmp_path):
    """The two of docs/plugins.md, and the page's own tests of them."""
    source, publisher, tests = (
        next(block for block in blocks(ROOT / "docs" / "plugins.md", "python") if part in block)
        for part in ("class Tickets", "class Sqlite", "def test_tickets")
    )
    plugin = types.ModuleType("vecmill_tickets")
    monkeypatch.setitem(sys.modules, "vecmill_tickets", plugin)
    exec(source + publisher, vars(plugin))  # noqa: S102 - our own page
    found: dict[str, Any] = {"__name__": "tests"}
    exec(tests, found)  # noqa: S102 - (the same)
    for folder in ("tickets", "sqlite"):
        (tmp_path / folder).mkdir()
    found["test_tickets"](tmp_path / "tickets")
    found["test_sqlite"](tmp_path / "sqlite", monkeypatch)


def test_the_format_in_the_docs_passes_the_test_in_the_docs(monkeypatch, tmp_path):
    """The one of docs/plugins.md reads files of this machine and of this process alike."""
    code, test = (block for block in blocks(ROOT / "docs" / "plugins.md", "python") if "orc" in block)
    plugin = types.ModuleType("vecmill_orc")
    monkeypatch.setitem(sys.modules, "vecmill_orc", plugin)
    exec(code, vars(plugin))  # noqa: S102 - our own page
    found: dict[str, Any] = {"__name__": "tests"}
    exec(test, found)  # noqa: S102 - (the same)
    found["test_orc"](tmp_path)
    memory = fsspec.filesystem("memory")
    memory.put(str(tmp_path / "articles.orc"), "/orc/articles.orc")
    here, there = (plugin.Orc(plugin.Orc.Config(path=path)) for path in (str(tmp_path), "memory://orc"))
    assert there.fingerprint() == here.fingerprint()
    check_source(there)
    memory.rm("/orc", recursive=True)


def test_the_observer_in_the_docs_tells_of_a_run(tmp_path, capsys):
    """The hook of docs/plugins.md prints where the dataset is, and how much is in it."""
    *_, code = blocks(ROOT / "docs" / "plugins.md", "python")
    module = types.ModuleType("observer")
    exec(code, vars(module))  # noqa: S102 - our own page
    dataset = small_dataset(tmp_path, 2)
    module.vecmill_run_event(RunFinished(dataset.manifest, str(dataset.path)))
    assert capsys.readouterr().out == f"{dataset.path}: {dataset.account.chunks} chunks\n"


def documented(page, heading):
    """Return the options in a section's table, ``(component, option): default``; some tables are of one component."""
    section = (ROOT / "docs" / page).read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    found: dict[tuple[str, str], Any] = {}
    for line in filter(re.compile(r"^\| (`|all)").match, section.splitlines()):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        components = re.findall(r"[\w-]+", cells.pop(0)) if len(cells) == 4 else [""]
        shown = tomllib.loads(f"x = {cells[1].strip('`')}")["x"] if cells[1].startswith("`") else None
        found |= {(component, option): shown for component in components for option in re.findall(r"\w+", cells[0])}
    return found


def known(kind, *names):
    """Return the options that components have, in the same way."""
    classes = {name: load().registry.get(kind, name).Config for name in names}
    return {
        (name, option): None if field.is_required() else field.get_default(call_default_factory=True)
        for name, options in classes.items()
        for option, field in options.model_fields.items()
    }


@pytest.mark.parametrize(
    ("heading", "kind", "names"),
    [
        ("[source]", "source", ("parquet", "jsonl", "csv", "hub", "saved", "pydoc")),
        ("[chunker]", "chunker", ("paragraphs", "tokens", "characters")),
        ("[batching]", "batching", ("token_budget", "fixed")),
        ("[embedder]", "embedder", ("openvino",)),
        ("[runtime]", "runtime", ("local",)),
        ("[[publish]]", "publisher", ("parquet",)),
    ],
)
def test_every_option_of_a_job_is_documented_with_its_default(heading, kind, names):
    """docs/jobs.md has neither more options nor fewer, and the defaults that the code has."""
    shown = documented("jobs.md", heading)
    common = {key[1]: shown.pop(key) for key in list(shown) if key[0] == "all"}
    shown |= {(name, option): default for name in names for option, default in common.items()}
    assert shown == {key: list(value) if value == () else value for key, value in known(kind, *names).items()}


def test_every_option_of_publishing_to_the_hub_is_documented():
    """docs/publishing.md has each once."""
    shown = {option for _, option in documented("publishing.md", "Options")}
    assert shown == {option for _, option in known("publisher", "hub")}


def test_every_column_of_a_dataset_is_documented():
    """docs/datasets.md has each, and every key of a manifest."""
    page = (ROOT / "docs" / "datasets.md").read_text()
    for name in [
        *DOCUMENT_COLUMNS,
        *CHUNK_COLUMNS,
        VECTOR_COLUMN,
        *Manifest.model_fields.keys() - {"identity", "duplicates", "local_options"},
    ]:
        assert f"`{name}`" in page, name


def test_links_between_pages_lead_somewhere():
    """Every relative link in the documentation is to a file of the repository, and to a heading that it has."""
    readmes = [*ROOT.glob("packages/*/README.md"), *ROOT.glob("examples/*/README.md")]
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *readmes]
    for page in pages:
        for link, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", page.read_text()):
            target = page.parent / link if link else page
            assert target.exists(), f"{page.name} links to {link}"
            headings = re.findall(r"^#+ (.*)$", target.read_text(), flags=re.MULTILINE) if anchor else []
            slugs = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
            assert not anchor or anchor in slugs, f"{page.name} links to {link}#{anchor}"


def test_the_project_speaks_of_itself_alone():
    """No tracked text has an absolute path of somebody's machine in it."""
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.toml")]:
        assert not re.search(r"(?<![\w/])/(home|work|root|Users)/", path.read_text()), path


OF_OTHER_COMMANDS = {
    "text-embeddings-router": "--auto-truncate --default-prompt --max-batch-tokens --max-client-batch-size "
    "--max-concurrent-requests --model-id --payload-limit --port",
    "modal": "--detach --max-cost --path --run --sql",
    "hf": "--local-dir --repo-type",
    "hatch": "--chunks --column --parquet --write",
}
"""Options that the pages show of other commands, and of scripts that hatch runs."""
INTERNAL = {"VECMILL_MODAL_OPTIONS"}
"""A variable that a process of vecmill's sets for another one."""


def pages():
    """Return the text of the README and of all pages."""
    return "".join(path.read_text() for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))])


def test_every_option_of_a_command_is_documented_and_no_other():
    """The pages show each at least once, and none that no command has."""
    shown = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", pages()))
    commands = [importlib.import_module(f"vecmill.cli.commands.{name}").command for name in COMMANDS]
    own = {name for command in commands for option in command.params for name in option.opts if name.startswith("--")}
    others = {name for names in OF_OTHER_COMMANDS.values() for name in names.split()}
    assert own - shown == set()
    assert shown - own - {"--help", "--version"} == others


def test_every_variable_of_the_environment_is_documented_and_no_other():
    """Those that the code reads or names, and those that the pages do."""
    sources = [*ROOT.glob("packages/*/src/**/*.py"), *ROOT.glob("apps/**/*.py")]
    named = {name for path in sources for name in re.findall(r"VECMILL_[A-Z_]+", path.read_text())}
    assert set(re.findall(r"VECMILL_[A-Z_]+", pages())) == named - INTERNAL


def test_the_changelog_says_each_thing_once():
    """No line stands in it twice, and no two items begin alike."""
    lines = [line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line]
    beginnings = [line[:32] for line in lines if line.startswith("- ")]
    assert sorted(lines) == sorted(set(lines))
    assert sorted(beginnings) == sorted(set(beginnings))
