"""Init: process number one of a container. Signals go through it, and with it all that the container started ends."""

import signal
import subprocess
import sys
from types import FrameType

main = subprocess.Popen(sys.argv[1:])


def pass_on(number: int, _: FrameType | None) -> None:
    """Give a signal to the container's program; it is the program's to tell what it has started."""
    main.send_signal(number)


for chosen in (signal.SIGINT, signal.SIGTERM):
    signal.signal(chosen, pass_on)
code = main.wait()
sys.exit(code if code >= 0 else 128 - code)
