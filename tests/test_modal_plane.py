"""The Modal control plane's double: the real client and the real container runtime work with it."""

import contextlib
from pathlib import Path

import pytest

from doubles.modal import available
from modal_apps.tinyapp import LEFT_BEHIND
from repository import ROOT

APPS = ROOT / "tests" / "modal_apps"

needs_containers = pytest.mark.skipif(not available(), reason="containers need namespaces (root on Linux)")


def test_a_deployment_is_written_down_as_its_settings_say(plane, modal):
    """GPU fallbacks, image layers, Volumes, secrets, limits, concurrency, timeouts, retries and cron."""
    modal("deploy", "-m", "tinyapp", cwd=APPS)
    functions = plane.deployed("tiny")
    adder = functions["Adder.*"]
    assert (adder.gpus, adder.concurrency, adder.timeout, adder.retries) == (["A10G", "L4"], 4, 600, 1)
    square = functions["square"]
    assert (square.volumes, square.secrets, square.max_containers) == ({"/mnt/tiny": "tiny"}, [{"KEY"}], 2)
    assert any("numpy" in layer for layer in square.layers)
    assert functions["die_once"].cron == "0 3 * * *"


@needs_containers
@pytest.mark.slow
def test_functions_run_in_real_containers(plane, modal):
    """A map over two containers, a Volume each commits to, a class with its life cycle, a death that is made good.

    With a container ends what it has started, though that has a session of its own.
    """
    done = modal("run", "-q", "-m", "tinyapp", cwd=APPS)
    assert "squares [0, 1, 4, 9] ('one', 'good day')" in done.stdout
    assert "listing ['0.txt', '1.txt', '2.txt', '3.txt']" in done.stdout
    assert "refused there are open files preventing the operation" in done.stdout
    assert "added [100, 101, 102, ValueError('three'), 104]" in done.stdout
    assert "then alive" in done.stdout
    assert plane.containers.most["square"] == 2
    assert plane.volumes.named("tiny").commits >= 4
    assert "\0".join([*LEFT_BEHIND, ""]) not in command_lines()


def command_lines():
    """Return those of all processes on this machine."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            found.add(path.read_text(errors="replace"))
    return found


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("gpu='NOPE'", "unsupported GPU type"),
        ("timeout=86401", "between 1 and 86400"),
        ("scaledown_window=3601", "between 2 and 3600"),
        ("schedule=modal.Cron('0 4 * *')", "invalid cron string"),
        ("image=modal.Image.from_registry('ghcr.io/huggingface/text-embeddings-inference:volta-1.9.3')", "unknown"),
    ],
)
def test_what_modal_refuses_is_refused(modal, tmp_path, line, message):
    """A GPU that there is none of, times out of range, a line that no cron reads, an unknown image."""
    (tmp_path / "wrong.py").write_text(f"import modal\napp = modal.App('w')\n@app.function({line})\ndef f(): ...\n")
    assert message in modal("deploy", "-m", "wrong", cwd=tmp_path, code=1).stderr


def test_a_missing_secret_stops_a_deployment(modal, tmp_path):
    """A secret that nobody made is named."""
    source = (
        "import modal\napp = modal.App('w')\n@app.function(secrets=[modal.Secret.from_name('none')])\ndef f(): ...\n"
    )
    (tmp_path / "wrong.py").write_text(source)
    assert "Secret 'none' not found" in modal("deploy", "-m", "wrong", cwd=tmp_path, code=1).stderr
