"""Main: from the command line to an open port."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from typing import TYPE_CHECKING

from aiohttp import web

from doubles.tei.behaviour import Behaviour
from doubles.tei.flags import parse
from doubles.tei.log import say
from doubles.tei.model import Model
from doubles.tei.server import Server
from vecmill.errors import VecmillError

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

LONG_S = 60


def main(argv: Sequence[str] | None = None) -> None:
    """Run the router until it is told to end."""
    flags, behaviour = parse(sys.argv[1:] if argv is None else argv), Behaviour.from_environment()
    shown = ", ".join(f"{key}: {value!r}" for key, value in vars(flags).items() if not key.startswith("hf"))
    say(f"router/src/main.rs:216: Args {{ {shown} }}")
    try:
        model = Model(flags, behaviour)
    except VecmillError as error:
        sys.exit(f"Error: Could not download model artifacts\n\nCaused by:\n    {error}")
    say(f"router/src/lib.rs:234: Maximum number of tokens per request: {model.max_length}")
    say("router/src/lib.rs:284: Starting model backend")
    if behaviour.misfit:
        sys.exit(
            f"Error: Could not create backend\n\nCaused by:\n    Could not start backend: Runtime compute cap "
            f"{behaviour.gpu} is not compatible with compile time compute cap {behaviour.built_for}"
        )
    say("Starting FlashBert model on Cuda(CudaDevice(DeviceId(1)))" if behaviour.cuda else "Starting Bert model on Cpu")
    say("router/src/lib.rs:302: Warming up model")
    while behaviour.never_ready:
        time.sleep(1)
    asyncio.run(_serve(flags, Server(flags, model, behaviour)))


async def _serve(flags: Namespace, server: Server) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(server.app(), access_log=None, shutdown_timeout=LONG_S)
    await runner.setup()
    await web.TCPSite(runner, flags.hostname, flags.port).start()
    say(f"router/src/http/server.rs:1880: Starting HTTP server: {flags.hostname}:{flags.port}")
    say("router/src/http/server.rs:1881: Ready")
    await stop.wait()
    say("signal received, starting graceful shutdown")
    await runner.cleanup()
