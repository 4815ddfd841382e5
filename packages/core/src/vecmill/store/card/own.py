"""Own: the part of a card that is the user's, and survives the next run."""

from __future__ import annotations

import re

BEGIN = "<!-- Your own text goes between this line and the next mark; it is kept by the next run. -->"
END = "<!-- End of your own text. -->"

_PART = re.compile(re.escape(BEGIN) + r"\n(.*?)\n?" + re.escape(END), flags=re.DOTALL)


def section(own: str) -> str:
    """Return the user's part of a card, empty or not."""
    return "\n".join([BEGIN, *([_tame(own).strip("\n")] if own.strip() else []), END, ""])


def own_text(readme: str) -> str | None:
    """Return the user's part of a card; ``None`` if it is not a card of ours."""
    found = _PART.search(readme)
    if found is None:
        return None
    return found[1].strip("\n") if found[1].strip() else ""


def with_own_text(readme: str, own: str) -> str:
    """Return a card with another user's part; at its end if it has none."""
    if own_text(readme) is None:
        return f"{readme.rstrip()}\n\n{section(own)}" if own.strip() else readme
    return _PART.sub(lambda _: section(own).rstrip("\n"), readme, count=1)


def without_own(readme: str) -> str:
    """Return a card without the user's part."""
    return _PART.sub("", readme, count=1)


def _tame(own: str) -> str:
    """Take the marks out of a text, so that it cannot end its own part."""
    while BEGIN in own or END in own:
        own = own.replace(BEGIN, "").replace(END, "")
    return own
