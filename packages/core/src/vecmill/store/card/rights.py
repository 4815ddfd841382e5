"""Rights: whose text it is, and what its readers owe its authors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vecmill.store.card.markdown import code, link, plain

if TYPE_CHECKING:
    from vecmill.records import Manifest, Terms
    from vecmill.store.card.place import Place

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
