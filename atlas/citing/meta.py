"""Meta elements for reference managers that read pages: Zotero's type first, or it takes everything for an article."""

from collections.abc import Iterator
from dataclasses import dataclass

from atlas.citing.facts import Work
from atlas.citing.names import parts_of


@dataclass(frozen=True, slots=True)
class Meta:
    """One `<meta name content>`."""

    name: str
    content: str


def elements(work: Work) -> tuple[Meta, ...]:
    """What the page's work is; never a journal."""
    return tuple(element for element in _elements(work) if element.content)


def _elements(work: Work) -> Iterator[Meta]:
    authors = [parts_of(one).inverted for one in work.authors]
    yield Meta("z:itemType", "dataset")
    yield Meta("DC.type", "Dataset")
    yield Meta("DC.title", work.title)
    yield from (Meta("DC.creator", name) for name in authors)
    yield Meta("DC.date", work.issued.isoformat() if work.issued else "")
    yield Meta("DC.identifier", work.url)
    yield Meta("DC.publisher", work.publisher)
    yield Meta("DC.rights", work.licence or work.around.licence)
    yield Meta("citation_title", work.title)
    yield from (Meta("citation_author", name) for name in authors)
    yield Meta("citation_publication_date", f"{work.issued:%Y/%m/%d}" if work.issued else "")
    yield Meta("citation_public_url", work.url)
    yield Meta("citation_publisher", work.publisher)
