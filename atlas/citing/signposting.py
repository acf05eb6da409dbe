"""Typed links for machines that stand before a page: one list, said in the `Link` header and in the HTML alike."""

from collections.abc import Iterator
from dataclasses import dataclass

from atlas.citing import FORMATS
from atlas.citing.facts import Work
from atlas.citing.jsonld import SCHEMA, TYPES
from atlas.citing.licences import address_of

MOST = (
    12  # links of one relation: proxies refuse long headers; the files name all authors, the page's JSON all pictures
)


@dataclass(frozen=True, slots=True)
class Link:
    """A link and what it means (RFC 8288)."""

    rel: str
    href: str
    type: str = ""


def links(work: Work) -> tuple[Link, ...]:
    """How to cite it, what describes it, what belongs to it, what it is, and where else it stands."""
    return tuple(link for link in _links(work) if link.href)


def header(every: tuple[Link, ...]) -> str:
    """The value of the `Link` header."""
    return ", ".join(f'<{it.href}>; rel="{it.rel}"' + (f'; type="{it.type}"' if it.type else "") for it in every)


def _links(work: Work) -> Iterator[Link]:
    yield Link("cite-as", work.url)
    yield from (Link("describedby", f"{work.url}{it.suffix}", it.media_type) for it in FORMATS.values())
    yield from (Link("item", it.url, it.media_type) for it in work.around.items[:MOST])
    addressed = [one.address for one in work.authors if one.address]
    yield from (Link("author", address) for address in addressed[:MOST])
    yield Link("license", address_of(work.licence or work.around.licence))
    yield Link("type", f"{SCHEMA}/AboutPage")
    yield Link("type", f"{SCHEMA}/{TYPES[work.kind]}")
    yield Link("collection", work.part_of)
    yield Link("version-history", work.around.history)
    yield Link("latest-version", work.around.latest)
