"""The packages, as a user installs them."""

import subprocess
import sys
import tomllib
import venv
import zipfile

import pytest

import vecmill
from places import ROOT

PACKAGES = sorted(path.parent for path in (ROOT / "packages").glob("*/pyproject.toml"))


def project(package):
    """Return a package's [project] table."""
    return tomllib.loads((package / "pyproject.toml").read_text())["project"]


def test_every_package_has_the_same_version():
    """One version for all, and the pins between packages admit it."""
    major, minor, _ = vecmill.__version__.split(".")
    for package in PACKAGES:
        table = project(package)
        assert table.get("version", vecmill.__version__) == vecmill.__version__
        pins = [pin for pin in table["dependencies"] if pin.startswith("vecmill")]
        assert all(f">={major}.{minor},<{major}.{int(minor) + 1}" in pin for pin in pins)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_every_package_is_complete(package):
    """README, the licence as it stands at the root, and the marker of typed code."""
    assert len((package / "README.md").read_text().splitlines()) > 5
    assert (package / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert list(package.glob("src/*/py.typed"))


@pytest.mark.slow
def test_wheels_install_alone_and_work(tmp_path):
    """Wheels built once run in an empty environment: the core alone, then each satellite."""
    for package in PACKAGES:
        build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path]
        subprocess.run(build, cwd=package, check=True, capture_output=True)
    wheels = {path.name.split("-")[0]: path for path in tmp_path.glob("*.whl")}
    assert len(wheels) == len(PACKAGES)
    for wheel in wheels.values():
        names = zipfile.ZipFile(wheel).namelist()
        assert any(name.endswith("py.typed") for name in names)
        assert any("licenses/LICENSE" in name for name in names)
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    for name in sorted(wheels, key=lambda name: name != "vecmill"):
        subprocess.run([python, "-m", "pip", "install", "-q", wheels[name]], check=True, capture_output=True)
        done = subprocess.run([python.with_name("vecmill"), "plugins"], check=True, capture_output=True, text=True)
        assert "paragraphs" in done.stdout
    assert "openvino" in done.stdout
    assert not done.stderr
