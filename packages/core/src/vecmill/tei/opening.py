"""Opening: from an address to a session with the right router."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from vecmill.tei.faults import Fault, check_status
from vecmill.tei.info import RouterInfo, read_info
from vecmill.tei.limits import Limits
from vecmill.tei.patience import Patience
from vecmill.tei.reading import check_reading
from vecmill.tei.router import Router
from vecmill.tei.routes import ROUTES
from vecmill.tei.served_model import find_served_model
from vecmill.tei.session import Session

if TYPE_CHECKING:
    from vecmill.models import ModelFolder
    from vecmill.protocols import Tokenizer
    from vecmill.tei.options import TeiOptions
    from vecmill.tei.routes import Route

NO_SUCH_PAGE = frozenset({404, 405})


def open_session(url: str, key: str | None, config: TeiOptions, folder: ModelFolder, tokenizer: Tokenizer) -> Session:
    """Wait for a router, check what it serves and how it reads, and keep the connection.

    Args:
        url: Where it is.
        key: Its API key, if it wants one.
        config: How to talk to it.
        folder: The model it must serve.
        tokenizer: The model's own.

    Raises:
        EngineError: It was not ready in time.
        ConfigError: It serves another model, wants another key, or is no router.
    """
    router = Router(url, config.max_in_flight, config.timeout_s, key)

    def patience() -> Patience:
        return Patience(config.attempts, config.wait_s)

    try:
        info = _wait_for_info(router, patience())
        if info is not None:
            info.check(folder, config.precision)
        route = _choose_route(router, config, info, folder, patience())
        if info is not None:
            check_reading(router, route, tokenizer, patience())
    except BaseException:
        router.close()
        raise
    return Session(router, route, Limits.of(info) if info else Limits(), folder.dimension, patience)


def _choose_route(
    router: Router, config: TeiOptions, info: RouterInfo | None, folder: ModelFolder, patience: Patience
) -> Route:
    name = config.served_model
    if name is None:
        name = info.model_id if info else find_served_model(router, folder.id, patience)
    return ROUTES[config.route](name)


def _wait_for_info(router: Router, patience: Patience) -> RouterInfo | None:
    """Ask until there is an answer; ``None`` stands for a server of another make, which has no ``/info``."""
    while True:
        try:
            response = router.get("/info")
            if response.status_code in NO_SUCH_PAGE:
                return None
            check_status(response)
            return read_info(response.content, router.url)
        except Fault as fault:
            time.sleep(patience.after(fault))
