"""Typed links and meta elements: what stands in them, in which order, and that no fact can break out."""

import re
from dataclasses import replace

from hypothesis import given

from atlas.citing import FORMATS
from atlas.citing.facts import Around, Author, Item
from atlas.citing.meta import elements
from atlas.citing.signposting import MOST, Link, header, links
from tests.atlas.citing.works import BARE, FULL, works

PART = re.compile(r'<([^<>]*)>; rel="([\w-]+)"(?:; type="([^"]+)")?(?:, |$)')


def parsed(value):
    """The links of a header as a client takes it apart, which has to consume it all."""
    assert "".join(part[0] for part in PART.finditer(value)) == value
    return tuple(Link(rel, href, kind or "") for href, rel, kind in PART.findall(value))


def test_the_links_of_a_foothold():
    host = "https://atlas.example.org"
    version = f"{host}/f/F7K3Q9XD2M/v3"
    assert links(FULL) == (
        Link("cite-as", version),
        *(Link("describedby", f"{version}{suffix}", form.media_type) for suffix, form in FORMATS.items()),
        Link("item", f"{host}/a/abc.png", "image/png"),
        Link("author", "https://orcid.org/0000-0002-1825-0097"),
        Link("author", f"{host}/u/chidi"),
        Link("license", "https://creativecommons.org/licenses/by/4.0/"),
        Link("type", "https://schema.org/AboutPage"),
        Link("type", "https://schema.org/CreativeWork"),
        Link("collection", f"{host}/c/inceptionv1-lucid/mixed4c/447"),
        Link("version-history", f"{host}/f/F7K3Q9XD2M/history"),
        Link("latest-version", f"{host}/f/F7K3Q9XD2M"),
    )


def test_what_is_not_known_has_no_link():
    assert {link.rel for link in links(BARE)} == {"cite-as", "describedby", "type"}
    assert not [link for link in links(replace(BARE, licence="all mine")) if link.rel == "license"]


def test_a_licence_that_may_change_is_linked_as_well():
    assert Link("license", "https://spdx.org/licenses/MIT.html") in links(replace(BARE, around=Around(licence="MIT")))


@given(works)
def test_the_header_is_the_list(work):
    assert parsed(header(links(work))) == links(work)


def test_the_header_stays_short():
    """Proxies give up on headers of more than 4 KiB."""
    many = tuple(Item(f"https://atlas.example.org/a/{number:064x}.png", "image/png") for number in range(100))
    crowd = tuple(Author(f"Given Family{number}", url=f"https://h/u/{number}") for number in range(400))
    work = replace(FULL, authors=crowd, around=replace(FULL.around, items=many))
    found = links(work)
    assert [sum(link.rel == rel for link in found) for rel in ("item", "author")] == [MOST, MOST]
    assert len(header(found)) < 4_096


def test_the_meta_elements_of_a_foothold():
    found = [(element.name, element.content) for element in elements(FULL)]
    assert found[0] == ("z:itemType", "dataset")
    assert [content for name, content in found if name in ("DC.creator", "citation_author")] == [
        "Rivera, Ana", "Okafor, Chidi", "Rivera, Ana", "Okafor, Chidi",
    ]  # fmt: skip
    assert dict(found) == {
        "z:itemType": "dataset",
        "DC.type": "Dataset",
        "DC.title": FULL.title,
        "DC.creator": "Okafor, Chidi",
        "DC.date": "2026-10-03",
        "DC.identifier": FULL.url,
        "DC.publisher": FULL.publisher,
        "DC.rights": "CC-BY-4.0",
        "citation_title": FULL.title,
        "citation_author": "Okafor, Chidi",
        "citation_publication_date": "2026/10/03",
        "citation_public_url": FULL.url,
        "citation_publisher": FULL.publisher,
    }


@given(works)
def test_no_meta_element_is_empty_or_names_a_journal(work):
    assert all(element.content for element in elements(work))
    assert not [element for element in elements(work) if "journal" in element.name]
