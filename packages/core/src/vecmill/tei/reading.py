"""Reading: whether a router reads texts as the model's own tokenizer does."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from vecmill.errors import ConfigError, EmbedError
from vecmill.tei.faults import Fault, TooLarge

if TYPE_CHECKING:
    from vecmill.protocols import Tokenizer
    from vecmill.tei.patience import Patience
    from vecmill.tei.router import Router
    from vecmill.tei.routes import Route

TEXT = "How many tokens does a router read in this text?"


def check_reading(router: Router, route: Route, tokenizer: Tokenizer, patience: Patience) -> None:
    """Have a text embedded whose tokens are known, and compare with what the router says it read.

    One that puts a prompt of its own in front of each text says so nowhere else. Its vectors are of other texts, and
    with ``--auto-truncate true``, its default, it cuts in silence what the prompt makes too long.

    Raises:
        ConfigError: It read another number of tokens.
        EngineError: It did not answer in time.
    """
    said = _asked(router, route, patience)
    ours = int(tokenizer.count([TEXT])[0]) + tokenizer.special_tokens
    if said is not None and said != ours:
        raise ConfigError(
            f"the router at {router.url} reads {said} tokens in a text that has {ours} for its model: start it without "
            "--default-prompt and --default-prompt-name (vecmill puts the prompt in front), and with this model's "
            "tokenizer.json"
        )


def _asked(router: Router, route: Route, patience: Patience) -> int | None:
    """Return how many tokens the router read; ``None`` if it does not say."""
    while True:
        try:
            return router.tokens(route.path, route.body([TEXT]))
        except Fault as fault:
            time.sleep(patience.after(fault))
        except (EmbedError, TooLarge):  # what refuses this text says why when it refuses others
            return None
