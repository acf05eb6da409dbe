"""Citations: frozen facts in, text out. A new format is a function in a file of its own and its line below."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from atlas.citing import bibtex, csl, jsonld, ris, text
from atlas.citing.facts import Work


@dataclass(frozen=True, slots=True)
class Format:
    """A form of a citation: what asks for it, by suffix or `Accept`, and the function that writes it."""

    name: str
    suffix: str
    media_type: str
    write: Callable[[Work], str]


@dataclass(frozen=True, slots=True)
class Written:
    """A citation in one format, and the address that answers with these very bytes."""

    name: str
    suffix: str
    media_type: str
    url: str
    text: str


@dataclass(frozen=True, slots=True)
class Citation:
    """How to cite a work: the address that stands in a paper, and the text in every format."""

    key: str
    url: str
    formats: tuple[Written, ...]


FORMATS: Mapping[str, Format] = {
    it.suffix: it
    for it in (
        Format("Text", ".txt", "text/x-bibliography", text.sentence),
        Format("BibTeX", ".bib", "application/x-bibtex", bibtex.entry),
        Format("RIS", ".ris", "application/x-research-info-systems", ris.record),
        Format("CSL-JSON", ".csl.json", "application/vnd.citationstyles.csl+json", csl.item),
        Format("JSON-LD", ".jsonld", "application/ld+json", jsonld.document),
    )
}


def citation(work: Work) -> Citation:
    """The work's citation in every format."""
    return Citation(work.key, work.url, tuple(_written(work, it) for it in FORMATS.values()))


def _written(work: Work, form: Format) -> Written:
    return Written(form.name, form.suffix, form.media_type, f"{work.url}{form.suffix}", form.write(work))
