"""The router beside a worker on Modal: where it listens, and what it is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from doubles import tei
from vecmill_modal_runtime.router import Router

SECRETS = (
    "HF_TOKEN",
    "HF_API_TOKEN",
    "MODAL_TOKEN_SECRET",
    "VECMILL_TEI_API_KEY",
    "API_KEY",
    "AWS_SECRET_ACCESS_KEY",
    "NVIDIA_API_KEY",
)
LOOPBACK = "0100007F"


@pytest.mark.fault(
    "security",
    "somebody looks for a worker's router",
    promise="It listens on loopback only, and its environment holds no secret.",
)
@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="asks Linux")
def test_it_listens_on_loopback_and_knows_no_secret(tmp_path, monkeypatch):
    """Its environment is cleaned, and nobody outside of the container can reach any of its ports."""
    tei.install(tmp_path, vectors="random")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    for name in SECRETS:
        monkeypatch.setenv(name, "canary")
    router = Router(Path(tei.MODEL), cuda=False, precision="f32")
    router.start()
    try:
        process = Path("/proc") / str(router._process.pid)
        environment = (process / "environ").read_bytes()
        command = (process / "cmdline").read_bytes().split(b"\0")
        addresses = _listening(process)
    finally:
        router.stop()
    assert b"canary" not in environment
    assert command[command.index(b"--hostname") + 1] == b"127.0.0.1"
    assert addresses
    assert all(address == LOOPBACK for address in addresses)


def _listening(process):
    """Return the addresses at which a process listens, as the system writes them."""
    sockets = {str(link.readlink()) for link in (process / "fd").iterdir() if link.is_symlink()}
    rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="utf-8").splitlines()[1:]]
    return [row[1].partition(":")[0] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets]
