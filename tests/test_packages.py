"""The packages, as a user installs them."""

import ast
import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from email import message_from_bytes
from importlib.metadata import packages_distributions

import pytest

import vecmill
from repository import ROOT, model_folder
from vecmill.plugins import load
from vecmill.plugins.registry import EXTRAS

PACKAGES = sorted(path.parent for path in (ROOT / "packages").glob("*/pyproject.toml"))


def project(package):
    """Return a package's [project] table."""
    return tomllib.loads((package / "pyproject.toml").read_text())["project"]


def normal(name):
    """Return a distribution's name in the one way that names are compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements(package):
    """Return what a package and its extras depend on."""
    table = project(package)
    extras = table.get("optional-dependencies", {}).values()
    return [*table["dependencies"], *(entry for entries in extras for entry in entries)]


def declared(package):
    """Return the names of a package and of all that it and its extras depend on."""
    found = [project(package)["name"], *requirements(package)]
    return {normal(re.split(r"[^\w.-]", entry, maxsplit=1)[0]) for entry in found}


def statements(node):
    """Return all that is below a node, but for what only type checkers read."""
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield child
            yield from statements(child)


def imported(package):
    """Return the top-level names that a package's modules import, wherever in them."""
    for path in package.glob("src/**/*.py"):
        for node in statements(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module.partition(".")[0]


def test_every_package_has_the_same_version():
    """One version for all, and the pins between packages admit it."""
    major, minor, _ = vecmill.__version__.split(".")
    for package in PACKAGES:
        table = project(package)
        assert table.get("version", vecmill.__version__) == vecmill.__version__
        pins = [pin for pin in table["dependencies"] if pin.startswith("vecmill")]
        assert all(f">={major}.{minor},<{major}.{int(minor) + 1}" in pin for pin in pins)


def test_every_package_says_the_versions_of_python_that_are_tried():
    """What ``hatch run versions:test`` tries is what the packages' classifiers promise, and its first is the oldest."""
    environments = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["envs"]
    (matrix,) = environments["versions"]["matrix"]
    for package in PACKAGES:
        table = project(package)
        prefix = "Programming Language :: Python :: "
        assert [name.removeprefix(prefix) for name in table["classifiers"] if name.startswith(prefix)] == matrix[
            "python"
        ]
        assert table["requires-python"] == f">={matrix['python'][0]}"


def test_mypy_asks_every_package_for_annotations():
    """Only tests may leave them out."""
    overrides = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["overrides"]
    strict = {name for entry in overrides if entry.get("disallow_untyped_defs") for name in entry["module"]}
    modules = {
        path.parent.name for folder in ("packages", "examples") for path in ROOT.glob(f"{folder}/*/src/*/py.typed")
    }
    assert {f"{name}.*" for name in modules} <= strict


def test_the_oldest_versions_that_are_tried_are_those_that_the_packages_admit():
    """What ``hatch run lowest:test`` installs is what the packages say that they need at least."""
    tried = (ROOT / "constraints-lowest.txt").read_text().splitlines()
    admitted = {
        f"{found[1]}=={found[2]}"
        for package in PACKAGES
        for requirement in requirements(package)
        if (found := re.match(r"([\w-]+)>=([\d.]+)", requirement)) and not found[1].startswith("vecmill")
    }
    assert [line for line in tried if "#" not in line] == sorted(admitted)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_every_package_declares_what_it_imports(package):
    """Nothing is there only because another package brings it."""
    distributions = packages_distributions()
    for name in set(imported(package)) - sys.stdlib_module_names:
        bringing = {normal(found) for found in (name, *distributions.get(name, ()))}  # ours are editable: not found
        assert bringing & declared(package), name


def test_each_component_of_the_other_packages_is_known_to_come_with_an_extra():
    """And that extra has the package, so that the advice for a job that names a missing component is right."""
    registry = load().registry
    packages = {"local-runtime", "modal-runtime", "openvino", "publishers"}
    theirs = {
        (kind, name): entry.plugin
        for kind, entries in registry.entries.items()
        for name, entry in entries.items()
        if entry.plugin in packages
    }
    assert set(theirs) == set(EXTRAS)
    extras = project(ROOT / "packages" / "core")["optional-dependencies"]
    assert all(f"vecmill-{theirs[component]}" in str(extras[extra]) for component, extra in EXTRAS.items())


OF_THE_PACKAGE = {"public", "recipes"}
"""Claims about a package, not about one of its modules."""


def names(folder):
    """Return the modules and rooms in a folder."""
    return {path.stem for path in folder.glob("*") if path.suffix == ".py" or (path / "__init__.py").exists()}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_tests_lie_by_room(package):
    """``worker/reading.py`` is tested in ``tests/worker/test_reading.py``; a topic may follow the module's name."""
    (source,) = (path.parent for path in package.glob("src/*/__init__.py"))
    for path in (package / "tests").rglob("test_*.py"):
        room = path.parent.relative_to(package / "tests")
        tested = names(source / room) | names(source / room / "commands") | {room.name}
        subject = path.stem.removeprefix("test_")
        allowed = tested if room.name else tested | OF_THE_PACKAGE
        assert any(subject == name or subject.startswith(f"{name}_") for name in allowed), path


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_every_package_is_complete(package):
    """README, the licence as it stands at the root, and the marker of typed code."""
    assert len((package / "README.md").read_text().splitlines()) > 5
    assert (package / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert list(package.glob("src/*/py.typed"))


def build(project, target, folder):
    """Build a wheel or an sdist, and return it."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", folder]
    subprocess.run(command, cwd=project, check=True, capture_output=True)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """Wheels of all packages, by name, in one folder."""
    folder = tmp_path_factory.mktemp("wheels")
    for package in PACKAGES:
        build(package, "wheel", folder / package.name)
    return {path.name.split("-")[0]: path for path in folder.glob("*/*.whl")}


@pytest.mark.slow
@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_sdists_hold_all_that_wheels_are_built_from(package, wheels, tmp_path):
    """The wheel that an sdist builds has the same files as the one of the repository, its licence among them."""
    with tarfile.open(build(package, "sdist", tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.glob("vecmill*")
    wheel = build(unpacked, "wheel", tmp_path / "wheel")
    names = zipfile.ZipFile(wheel).namelist()
    assert names == zipfile.ZipFile(wheels[wheel.name.split("-")[0]]).namelist()
    assert any(name.endswith("/py.typed") for name in names)
    assert any(name.endswith("/licenses/LICENSE") for name in names)


def test_every_package_names_the_projects_address(wheels, tmp_path):
    """A wheel's metadata has the home page that CITATION.cff states, and the page of its own files."""
    (home,) = re.findall(r"^url: (.*)$", (ROOT / "CITATION.cff").read_text(), flags=re.MULTILINE)
    example = build(ROOT / "examples" / "vecmill-lancedb", "wheel", tmp_path)
    for wheel in (*wheels.values(), example):
        with zipfile.ZipFile(wheel) as archive:
            (path,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            metadata = message_from_bytes(archive.read(path))
        urls = dict(entry.split(", ", 1) for entry in metadata.get_all("Project-URL", ()))
        assert urls == {"Homepage": home, "Download": f"https://pypi.org/project/{metadata['Name']}/#files"}


@pytest.mark.slow
def test_wheels_install_alone_and_work(wheels, tmp_path):
    """In an empty environment the core alone has its commands; with its extras, a job that it wrote itself runs."""
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"

    def run(*command):
        found = [python.parent / command[0], *command[1:]]
        done = subprocess.run(found, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done

    folders = [part for wheel in wheels.values() for part in ("--find-links", wheel.parent)]
    install = ("pip", "install", "-q", "--retries", "10", "--timeout", "60", "--constraint", ROOT / "constraints.txt")
    run(*install, wheels["vecmill"])
    assert "paragraphs" in run("vecmill", "plugins").stdout
    run(*install, *folders, f"vecmill[local,modal] @ {wheels['vecmill'].as_uri()}")
    done = run("vecmill", "plugins")
    assert all(name in done.stdout for name in ("openvino", "modal", "hub"))
    assert not done.stderr
    run("vecmill", "doctor")
    run("vecmill", "init", "--model", model_folder())
    run("vecmill", "run", "job.toml", "--set", "source.limit=3")
    run("vecmill", "verify", "out/python-reference")
