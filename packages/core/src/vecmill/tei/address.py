"""Address: where the router is, said in a job or in the environment."""

from __future__ import annotations

from urllib.parse import urlsplit

from vecmill.errors import ConfigError

URL = "VECMILL_TEI_URL"
"""The environment variable that says where the router is when the job does not: a runtime that starts one sets it."""
API_KEY = "VECMILL_TEI_API_KEY"  # a name, not a key


def address(url: str) -> str:
    """Return an address that may be shown and written down.

    Raises:
        ConfigError: It holds a password.
        ValueError: It is none.
    """
    parts = urlsplit(url)
    if parts.username or parts.password:  # no ValueError: that would be shown with the value
        raise ConfigError(
            "embedder.url: no user name or password may stand in it, as it is written into the dataset's manifest; "
            f"a key goes into the environment variable {API_KEY}"
        )
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("an address like http://127.0.0.1:8080 is needed")
    return url
