"""Opening: from an address to a session with the right router."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from vecmill.tei.faults import Fault, check_status
from vecmill.tei.info import RouterInfo, read_info
from vecmill.tei.patience import Patience

if TYPE_CHECKING:
    from vecmill.tei.router import Router

NO_SUCH_PAGE = frozenset({404, 405})


def wait_for_info(router: Router, wait_s: float) -> RouterInfo | None:
    """Wait until a router is ready, and ask what it serves.

    Returns:
        Its answer, or ``None`` from a server of another make that has no ``/info``.

    Raises:
        EngineError: It was not ready in time.
        ConfigError: It wants a key, or is something else.
    """
    patience = Patience(1, wait_s)
    while True:
        try:
            response = router.get("/info")
            if response.status_code in NO_SUCH_PAGE:
                return None
            check_status(response)
            return read_info(response.content, router.url)
        except Fault as fault:
            time.sleep(patience.after(fault))
