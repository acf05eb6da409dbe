"""What people write in Markdown becomes HTML here and nowhere else, by one allow-list that knows nothing active."""

import html
import re
from collections.abc import Sequence
from functools import cache

import nh3
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.token import Token

MOST_LINKS = 100
HEADINGS = {"h2", "h3", "h4", "h5", "h6"}
TABLES = {"table", "tbody", "td", "th", "thead", "tr"}
TAGS = HEADINGS | TABLES | {"a", "blockquote", "br", "code", "em", "hr", "li", "ol", "p", "pre", "strong", "ul"}
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
# Each block finds its own direction, so that a word of one script does not turn what another wrote.
DIRECTED = {tag: {"dir": "auto"} for tag in HEADINGS | {"blockquote", "li", "p", "td", "th"}}
SCHEMES = {"http", "https", "mailto"}
RELATION = "nofollow ugc noopener noreferrer"
HIGHEST, LOWEST = 3, 6  # of headings: those of the page and its sections stand above them

# Printable ASCII, because a browser takes a backslash for a slash and drops a tab; no name before the host, because
# people take it for the host.
ELSEWHERE = re.compile(r"https?://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?(?:[/?#][!-\[\]-~]*)?", re.I | re.A)
MAIL = re.compile(r"mailto:[\w.+-]+@[\w-]+(?:\.[\w-]+)*", re.I | re.A)
# Our own permanent addresses: reading one changes nothing. No part of a path begins with a dot or is empty, so that
# what is written is where a browser goes.
HERE = re.compile(
    r"/(?:a|c|changes|d|f|j|problems|r|resolve|search|t|teams|u)"
    r"(?:/[\w:~-][\w.:~-]*)*(?:\?[\w.:~%&=+,()-]*)?(?:#[\w.:~-]*)?",
    re.ASCII,
)


def render(source: str, *, highest: int = HIGHEST) -> SafeString:
    """Safe HTML of somebody's Markdown, whatever it holds: what is not allowed stands there as they typed it.

    Headings begin at level `highest`, below those of the page.
    """
    reader = _reader()
    tokens = reader.parse(source)
    _lower_headings(tokens, highest=highest)
    return SafeString(clean(reader.renderer.render(tokens, reader.options, {})))


def plain(source: str) -> str:
    """The words alone, in one line, for excerpts and titles: no HTML, to be escaped like any other text."""
    words = nh3.clean(render(source), tags=set())
    return " ".join(html.unescape(words).split())


def aloud(source: str) -> str:
    """The words outside of code, for what is said to somebody."""
    inline = (inner for token in _reader().parse(source) for inner in token.children or ())
    return "".join(inner.content if inner.type == "text" else "\n" for inner in inline)


def link_count(source: str) -> int:
    """How many links a text has."""
    return sum(inner.type == "link_open" for token in _reader().parse(source) for inner in token.children or ())


def clean(markup: str) -> str:
    """The one sanitizer: only the tags and attributes above, and links that lead where they say.

    Without byte order marks: of one that comes to stand first, a second reading would find nothing.
    """
    return nh3.clean(
        markup.replace("\ufeff", ""),
        tags=TAGS,
        attributes=ATTRIBUTES,
        attribute_filter=_attribute,
        set_tag_attribute_values=DIRECTED,
        url_schemes=SCHEMES,
        link_rel=RELATION,
    )


def leads_somewhere(address: str) -> bool:
    """Whether a link may lead there: to the web, to somebody's mail, or to one of our own pages."""
    return any(written.fullmatch(address) for written in (ELSEWHERE, MAIL, HERE))


class _Reader(MarkdownIt):
    """CommonMark with tables, in which a link that leads nowhere good stays text."""

    def validateLink(self, url: str) -> bool:
        return leads_somewhere(url)


@cache
def _reader() -> MarkdownIt:
    # No pictures: they would be fetched from elsewhere, and tell there who reads here.
    return _Reader("commonmark", {"html": False}).enable("table").disable("image")


def _attribute(tag: str, name: str, value: str) -> str | None:
    if name == "href":
        return value if leads_somewhere(value) else None
    if name == "start":
        return value if re.fullmatch(r"[0-9]{1,9}", value) else None
    return value


def _lower_headings(tokens: Sequence[Token], *, highest: int) -> None:
    """Put headings below those of the page, and leave no level out."""
    level = highest - 1
    for token in tokens:
        if token.type == "heading_open":
            level = min(int(token.tag[1]) + highest - 1, level + 1, LOWEST)
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{level}"
