"""Nothing that is imported here reports its use."""

import subprocess
import sys

import pytest

AUDIT = """
import sys

def watch(event, args):
    if event in {"os.fork", "subprocess.Popen", "os.posix_spawn", "socket.connect", "socket.getaddrinfo"}:
        events.append((event, str(args)))

events = []
sys.addaudithook(watch)
import vecmill_openvino.engine
import openvino.tools.ovc
from concurrent.futures.thread import _threads_queues
assert not events, events
assert not _threads_queues, "something is still to be sent"
"""


@pytest.mark.fault(
    "security",
    "OpenVINO reports its use to Google Analytics",
    promise="It is prevented: the embedder starts no process and opens no connection.",
)
def test_openvino_does_not_report_its_use():
    """Importing the engine forks nothing, connects to nothing, and leaves nothing to be sent."""
    subprocess.run([sys.executable, "-c", AUDIT], check=True)
