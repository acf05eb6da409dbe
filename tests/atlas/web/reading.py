"""A page as a strict reader takes it in: its elements with attributes and text, and what is wrong with the whole."""

import re
from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise

from django.http import HttpResponse
from django.test import Client

from atlas.models import Contributor

VOID = {"meta", "link", "img", "input", "br", "hr", "rect", "line", "polyline"}
OF_A_FILE = re.compile(r"\S*\.(png|jpe?g|webp|gif|svg)|[0-9a-f]{12,}", re.IGNORECASE)
LARGEST = 100_000  # bytes of HTML, before pictures


class Element:
    """A tag, its attributes, its ancestors' tags and the text inside."""

    def __init__(self, tag: str, attributes: dict[str, str], within: tuple[str, ...]) -> None:
        self.tag, self.attributes, self.within, self.text = tag, attributes, within, ""

    def __getitem__(self, name: str) -> str:
        return self.attributes.get(name, "")


class Page(HTMLParser):
    """The elements of a document, in order; raises AssertionError where tags do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html, self.elements, self.open = html, [], []
        self.feed(html)
        assert not self.open, f"<{self.open[-1].tag}> is never closed"

    def handle_starttag(self, tag, attributes):
        element = Element(tag, {name: value or "" for name, value in attributes}, tuple(one.tag for one in self.open))
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open, f"</{tag}> closes nothing"
            assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
            self.open.pop()

    def handle_data(self, data):
        for element in self.open:
            element.text += data

    def all(self, *tags: str) -> list[Element]:
        """The elements of these kinds; a drawing's own titles are none of the page's."""
        return [element for element in self.elements if element.tag in tags and "svg" not in element.within]

    def one(self, tag: str) -> Element:
        """The only element of this kind."""
        [element] = self.all(tag)
        return element

    @property
    def text(self) -> str:
        """What a person reads, with plain spaces."""
        return " ".join(self.one("body").text.split())


def faults(page: Page) -> list[str]:
    """What is wrong with a page, whatever it shows."""
    found = [f"{len(page.all(tag))} <{tag}>" for tag in ("h1", "main", "title") if len(page.all(tag)) != 1]
    levels = [int(element.tag[1]) for element in page.all("h1", "h2", "h3", "h4")]
    found += [f"h{after} follows h{before}" for before, after in pairwise(levels) if after > before + 1]
    ids = Counter(element["id"] for element in page.elements if element["id"])
    found += [f"id {name} twice" for name, count in ids.items() if count > 1]
    for name in ("aria-describedby", "aria-labelledby", "for"):
        pointed = {one for element in page.elements for one in element[name].split()}
        found += [f"{name} points at no {one}" for one in pointed if one not in ids]
    kept = [element["id"] for element in page.elements if "hx-preserve" in element.attributes]
    found += [f"htmx finds no #{name}" for name in kept if not name[:1].isalpha()]  # a selector starts with no digit
    found += [f"{element.tag} has {name}" for element in page.elements for name in element.attributes if active(name)]
    found += ["a script of our own page" for element in page.all("script") if not element["src"]]
    found += ["a style element" for _ in page.all("style")]
    found += [f"no size: {image['src']}" for image in page.all("img") if not (image["width"] and image["height"])]
    found += [f"no alt: {image['src']}" for image in page.all("img") if "alt" not in image.attributes]
    found += [f"alt is a file's name: {image['alt']}" for image in page.all("img") if OF_A_FILE.fullmatch(image["alt"])]
    found += [f"a drawing without words: {one['class']}" for one in page.all("svg") if not is_told(one)]
    nameless = [one for one in page.all("a") if not (one.text.strip() or holds_picture(page, one))]
    found += [f"no name: {one['href']}" for one in nameless]
    found += ["too large"] if len(page.html.encode()) > LARGEST else []
    return found


def is_told(drawing: Element) -> bool:
    """Whether a drawing says what it shows, or that it shows nothing that is not said beside it."""
    named = drawing["aria-label"].strip() or drawing["aria-labelledby"]
    return drawing["aria-hidden"] == "true" or (drawing["role"] in ("img", "group") and bool(named))


def active(attribute: str) -> bool:
    """Whether a content security policy would have to allow it."""
    return attribute == "style" or attribute.startswith("on")


def holds_picture(page: Page, link: Element) -> bool:
    """Whether the link's first child is a picture with a text for those who do not see it."""
    following = page.elements[page.elements.index(link) + 1]
    return following.tag == "img" and bool(following["alt"])


def read(client, address: str, status: int = 200, **more) -> Page:
    """The page at an address, which answers with this status."""
    response = client.get(address, **more)
    assert (address, response.status_code) == (address, status)
    return page_of(response)


def page_of(response) -> Page:
    """The page in a response."""
    assert response["Content-Type"] == "text/html; charset=utf-8"
    return Page(response.content.decode())


def shown(answer: HttpResponse) -> Page:
    """The page that came back, whatever its status."""
    return Page(answer.content.decode())


def at_the_desk(person: Contributor) -> Client:
    """Somebody's browser, signed in."""
    client = Client()
    client.force_login(person.login)
    return client
