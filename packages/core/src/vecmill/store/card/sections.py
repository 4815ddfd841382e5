"""Sections of the card: where the dataset is read from, the user's own words, the rights."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vecmill.store.card.markdown import code, link, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vecmill.records import Manifest, Terms


@dataclass(frozen=True, slots=True)
class Place:
    """A dataset as its readers find it.

    Attributes:
        repo: ``user/name`` on the Hub; empty for a folder.
        folder: Where its shards are.
        tag: Pins this very run, on the Hub.
        variants: Configurations with the same rows and other vectors, ``float16`` or ``int8``, and their bytes.
        license: Identifiers of the text's licences, in place of those that the manifest states.
        language: Codes of its languages, in the same way.
        pretty_name: The dataset's name for people.
    """

    repo: str = ""
    folder: str = "data"
    tag: str = ""
    variants: Mapping[str, int] = field(default_factory=dict)
    license: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    pretty_name: str = ""

    def terms(self, stated: Terms) -> Terms:
        """Return the text's terms: those that a manifest states, or in their place one's own."""
        return stated.but(self.license, self.language)


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


OTHER = "other"
_REPO = re.compile(r"[\w.-]+(?:/[\w.-]+)?", re.ASCII)
LINKS = {
    "cc-by-3.0": "https://creativecommons.org/licenses/by/3.0/",
    "cc-by-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "cc-by-sa-3.0": "https://creativecommons.org/licenses/by-sa/3.0/",
    "cc-by-sa-4.0": "https://creativecommons.org/licenses/by-sa/4.0/",
    "gfdl": "https://www.gnu.org/licenses/fdl-1.3.html",
}


def rights(manifest: Manifest, place: Place) -> str:
    """Say whose text it is, under which licence, and what follows from it."""
    terms, source = place.terms(manifest.source.terms), _source(manifest)
    if not terms.license:
        return f"## Licence\n\nNo licence is stated here: the text is from {source}, and its terms apply.\n"
    names = ", ".join(_name(name, terms) for name in terms.license)
    credit = _credit(manifest) if _asks(terms, "by", "gfdl") else ""
    share = _SHARE_ALIKE if _asks(terms, "sa", "gfdl") else ""
    return "\n".join([f"## Licence\n\nThe text is from {source}, under {names}.", *filter(None, [credit, share]), ""])


def _source(manifest: Manifest) -> str:
    repo = manifest.source.options.get("repo")
    if not isinstance(repo, str) or not repo:
        return f"the source {code(manifest.source.name)}"
    return link(plain(repo), f"https://huggingface.co/datasets/{repo}") if _REPO.fullmatch(repo) else code(repo)


def _name(name: str, terms: Terms) -> str:
    shown = terms.license_name if name == OTHER and terms.license_name else name
    address = terms.license_link if name == OTHER else LINKS.get(name)
    return link(code(shown), address) if address else code(shown)


def _asks(terms: Terms, *words: str) -> bool:
    """Whether a licence asks for something: one of these is a part of its identifier."""
    return any(set(name.split("-")).intersection(words) for name in terms.license)


def _credit(manifest: Manifest) -> str:
    wikipedia = "wikipedia" in str(manifest.source.options.get("repo", "")).lower()
    return _WIKIPEDIA if wikipedia else _ATTRIBUTION


_ATTRIBUTION = """
Attribution: name the source and the authors of the texts you use; `url`, where there is one, leads to them. The texts
were cut into chunks, and are otherwise as they were."""

_WIKIPEDIA = """
Attribution: the articles are by the authors of Wikipedia. Name them where you use the text, by a link to the article:
`url` leads there, and its "View history" lists who wrote it. The articles were cut into chunks, and are otherwise as
they were."""

_SHARE_ALIKE = """
Share alike: what you build from the text must be under the same licence, or one that it calls compatible."""
