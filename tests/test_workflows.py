"""The workflow files of a public forge run what the project has, with no more rights than they need."""

import itertools
import os
import re
import tomllib

import pytest
import yaml

from repository import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ENVIRONMENTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["envs"]


def read(path):
    """Return a workflow; YAML 1.1 takes the key ``on`` for true."""
    found = yaml.safe_load(path.read_text())
    found["on"] = found.pop(True)
    return found


def commands(workflow):
    """Return each line that a workflow runs, once for each value of its job's matrix."""
    for job in workflow["jobs"].values():
        matrix = job.get("strategy", {}).get("matrix", {})
        for values in itertools.product(*matrix.values()):
            lines = "\n".join(step.get("run", "") for step in job["steps"])
            for name, value in zip(matrix, values, strict=True):
                lines = lines.replace(f"${{{{ matrix.{name} }}}}", value)
            yield from filter(None, lines.splitlines())


def scripts(environment):
    """Return the scripts of one of hatch's environments, those that it inherits among them."""
    table = ENVIRONMENTS[environment]
    inherited = {} if table.get("detached") or environment == "default" else ENVIRONMENTS["default"]["scripts"]
    return {**inherited, **table.get("scripts", {})}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_runs_only_commands_that_the_project_has(path):
    """Each is a script of pyproject.toml in an environment of it, a file that can be run, or the install of hatch."""
    for command in commands(read(path)):
        if found := re.fullmatch(r"hatch run (?:\+py=(\S+) )?(?:([\w-]+):)?([\w-]+)(?: .*)?", command):
            version, environment, script = found.groups()
            assert script in scripts(environment or "default"), command
            assert version is None or version in ENVIRONMENTS[environment]["matrix"][0]["python"], command
        else:
            assert command == "pip install hatch" or os.access(ROOT / command, os.X_OK), command


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_read_and_no_more(path):
    """No job asks for more, no clone holds a token, a newer run ends an older one, and actions are pinned."""
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["cancel-in-progress"] is True
    for job in workflow["jobs"].values():
        assert "permissions" not in job
        assert job["timeout-minutes"] <= 120
        for step in job["steps"]:
            action = step.get("uses", "actions/none@v1")
            assert re.fullmatch(r"actions/[\w-]+@v\d+", action)
            assert "checkout" not in action or step["with"]["persist-credentials"] is False


def test_every_change_is_tried_on_each_version_of_python():
    """``ci.yml`` runs ``.ci/run``, the suite on each version, and the suite with the oldest dependencies."""
    workflow = read(ROOT / ".github" / "workflows" / "ci.yml")
    assert {"push", "pull_request"} <= set(workflow["on"])
    versions = ENVIRONMENTS["versions"]["matrix"][0]["python"]
    wanted = {".ci/run", "hatch run lowest:test", *(f"hatch run +py={version} versions:test" for version in versions)}
    assert wanted <= set(commands(workflow))


def test_the_long_checks_run_at_night():
    """``nightly.yml`` kills, interrupts, fuzzes, and asks for known vulnerabilities."""
    workflow = read(ROOT / ".github" / "workflows" / "nightly.yml")
    assert workflow["on"]["schedule"]
    begun = {command.split()[2] for command in commands(workflow) if command.startswith("hatch run")}
    assert begun == {"kills", "interrupts", "fuzz:all", "audit:all"}
