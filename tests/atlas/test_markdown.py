"""What people write, as others see it: entries T01–T26 of the hostile texts, and laws over any text at all."""

import sys
import warnings
from collections.abc import Iterator

import html5lib
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from atlas import markdown
from atlas.markdown import clean, link_count, plain, render

# What the renderer may make, said a second time.
TEXT = {"a", "blockquote", "br", "code", "em", "hr", "li", "ol", "p", "pre", "strong", "ul"}
TAGS = TEXT | {"h2", "h3", "h4", "h5", "h6", "table", "tbody", "td", "th", "thead", "tr"}
ATTRIBUTES = {("a", "href"), ("a", "title"), ("a", "rel"), ("ol", "start")}
VALUES = {"dir": "auto", "rel": "nofollow ugc noopener noreferrer"}
LONGEST = 8_000  # characters of a body

ENTRIES = {
    "T01": "<script>alert(1)</script>",
    "T01 split": "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "T02": "<img src=x onerror=alert(1)>",
    "T02 picture": "![x](https://evil.example/pixel.png)",
    "T02 svg": "<svg/onload=alert(1)>",
    "T04": "[x](javascript:alert(1))",
    "T04 case": "[x](JaVaScRiPt:alert(1))",
    "T04 entity": "[x](java&#115;cript:alert(1))",
    "T04 tab": "[x](\tjavascript:alert(1))",
    "T04 tab within": "[x](<java\tscript:alert(1)>)",
    "T04 autolink": "<javascript:alert(1)>",
    "T04 reference": "[x]\n\n[x]: javascript:alert(1)",
    "T04 control": "[x](\x01javascript:alert(1))",
    "T05": "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "T05 vbscript": "[x](vbscript:msgbox)",
    "T05 file": "[x](file:///etc/passwd)",
    "T05 blob": "[x](blob:https://a.b/c)",
    "T07": "[x](//evil.example)",
    "T07 backslash": "[x](/\\\\evil.example)",
    "T07 tab": "[x](</\t/evil.example>)",
    "T07 name": "[x](https://www.ours.example@evil.example/)",
    "T08": "[x](/../../admin)",
    "T08 encoded": "[x](/c/%2e%2e/%2e%2e/admin)",
    "T08 api": "[x](/api/v1/jobs/abc/cancel)",
    "T08 account": "[x](/accounts/logout)",
    "T08 relative": "[x](../me/erase)",
    "T10": '[x](http://a"onmouseover="alert(1))',
    "T10 title": "[x](https://a.b '\"onmouseover=\"alert(1)')",
    "T11": '<http://a.b/"onclick=x>',
    "T13": "<iframe src=x></iframe><object data=x></object><form action=x><base href=x><meta http-equiv=refresh><link>",
    "T14": "```\n</code></pre><script>alert(1)</script>\n```",
    "T14 language": '```"><script>alert(1)</script>\nx\n```',
    "T16": "<a id=config name=x class=y style=position:fixed onclick=z href=/c target=_top>w</a><p id=x onclick=y>",
    "T17": "{{7*7}} {% load x %} ${1} %s {0.class}",
    "T22": "safe \u202egnp.exe",
    "table": "|<b onclick=x>|[y](javascript:z)|\n|-|-|\n|`</td>`|1|",
    "comment": "<!--><img src=x onerror=alert(1)>-->",
    "CDATA": "<![CDATA[<script>alert(1)</script>]]>",
    "math": "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=x onerror=alert(1)&gt;'>",
}
LEADS = {
    "https://distill.pub/2020/circuits/zoom-in/": True,
    "http://127.0.0.1:8000/c": True,
    "http://[::1]:8000/": True,
    "mailto:alice@example.org": True,
    "/c/toy/edges/3": True,
    "/f/D7K3Q9XD2M/v3#L1": True,
    "/f/D7K3Q9XD2M/diff/3..4": True,
    "/search?q=curves&page=2": True,
    "/changes": True,
    "https://": False,
    "https:evil.example": False,
    "https:///evil.example": False,
    "https://a@b.example/": False,
    "https://a\\@b.example/": False,
    "https://a.b/\t": False,
    "ftp://a.b/": False,
    "mailto:": False,
    "mailto:a@b.example?bcc=c@d.example": False,
    "tel:+1": False,
    "#top": False,
    "c/toy": False,
    "//c/toy": False,
    "/c//toy": False,
    "/c/../me": False,
    "/c/.": False,
    "/cc": False,
    "/me/erase": False,
    "/accounts/logout": False,
    "/api/v1/jobs": False,
    "/teams/curves\n": False,
}
PIECES = [
    "<", ">", "&", '"', "'", "`", "[", "](", ")", "!", "*", "_", "|", "\n", "\n\n", "    ", "- ", "> ", "# ", "~~~",
    "&#", "&lt;", "&#x3c;", "<!--", "-->", "</", "/>", "=", "javascript:", "https://a.b", "//", "data:", "onload=",
    "<script>", "</script>", "<style>", "</style>", "<svg>", "<math>", "<mtext>", "<mglyph>", "<table>", "<template>",
    "<noscript>", "<textarea>", "<title>", "<xmp>", "<plaintext>", "<select>", "<p>", "<a href=", "<img src=x ",
    "<form>", "<annotation-xml encoding=text/html>", "<foreignObject>", "\x00", "\ufffd", "\u202e", "x", "1. ", "|-|-|",
    "\\",
]  # fmt: skip
fragments = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=25).map("".join)


def disallowed(markup: str) -> list[str]:
    """What a browser would make of the markup that no text of a person's may become; by a parser of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own, about Python's ast
        tree = html5lib.parseFragment(markup, namespaceHTMLElements=False)
    return [fault for node in tree.iter() if node is not tree for fault in faults(node)]


def faults(node) -> Iterator[str]:
    if not isinstance(node.tag, str) or node.tag not in TAGS:
        yield f"<{node.tag}>"
    for name, value in node.attrib.items():
        known = name == "dir" or (node.tag, name) in ATTRIBUTES
        if not known or value != VALUES.get(name, value) or (name == "href" and not markdown.leads_somewhere(value)):
            yield f"{node.tag} {name}={value}"


@pytest.mark.parametrize("source", ENTRIES.values(), ids=ENTRIES)
def test_nothing_hostile_becomes_anything(source):
    for markup in (render(source), clean(source)):
        assert disallowed(markup) == []
        assert clean(markup) == markup


@pytest.mark.parametrize("name", [name for name in ENTRIES if name[:3] in ("T04", "T05", "T07", "T08")])
def test_what_leads_nowhere_good_is_no_link(name):
    assert "<a" not in render(ENTRIES[name])
    assert link_count(ENTRIES[name]) == 0


@pytest.mark.parametrize(("address", "leads"), LEADS.items(), ids=LEADS)
def test_where_a_link_may_lead(address, leads):
    assert markdown.leads_somewhere(address) is leads
    assert ("href" in clean(f'<a href="{address}">x</a>')) is leads


def test_what_is_typed_stands_there():
    """T01, T14, T17: refused is only its effect."""
    for name in ("T01", "T13", "T16", "T17", "comment"):
        assert plain(ENTRIES[name]) == " ".join(ENTRIES[name].split())


def test_what_markdown_is_for():
    source = "# A *curve*\n\n### Deep\n\n1. `x`\n\n> [y](https://a.b)\n\n| a |\n|---|\n| 1 |\n\n***\n\nb  \nc **d**"
    markup = render(source)
    assert disallowed(markup) == []
    for tag in ("h3", "h4", "em", "ol", "li", "code", "blockquote", "a", "table", "td", "hr", "br", "strong"):
        assert f"<{tag}" in markup, tag
    assert f'<a href="https://a.b" rel="{markdown.RELATION}">y</a>' in markup
    assert '<h2 dir="auto">A <em>curve' in render(source, highest=2)
    assert plain(source) == "A curve Deep x y a 1 b c d"


def test_a_direction_ends_with_its_block():
    """T22."""
    blocks = render("a \u202e b\n\n- c\n\n> d\n\n| e |\n|---|\n| f |\n")
    for tag in ("p", "li", "blockquote", "th", "td"):
        assert f"<{tag}" in blocks
        assert blocks.count(f"<{tag}>") == 0, "has no direction of its own"


@given(fragments)
@settings(max_examples=1_000, deadline=None)
def test_any_source_is_safe_however_it_is_read(source):
    """T26: rendered, read by another parser and written again, there is nothing that was not allowed."""
    markup = render(source)
    assert disallowed(markup) == []
    assert clean(markup) == markup
    assert disallowed(reread(markup)) == []


@given(fragments)
@example("<table>\ufeff</table>")  # the mark comes to stand before the table
@settings(max_examples=1_000, deadline=None)
def test_the_sanitizer_changes_nothing_twice(markup):
    """T26: on HTML that never was Markdown; a second reading must find nothing that the first has made."""
    cleaned = clean(markup)
    assert disallowed(cleaned) == []
    assert clean(cleaned) == cleaned
    assert disallowed(reread(cleaned)) == []


def reread(markup: str) -> str:
    """The markup as a browser would write it again, which is where a mutation would show."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = html5lib.parseFragment(markup)
    return html5lib.serialize(tree, quote_attr_values="always", omit_optional_tags=False)


WORST = {
    "quotes": ">",
    "brackets": "[",
    "nested links": "[a](",
    "emphasis": "*a",
    "underscores": "_a",
    "both": "*a_",
    "pictures": "![[",
    "backticks": "`a``",
    "entities": "&#",
    "angles": "<a",
    "declarations": "<!",
    "instructions": "<?",
    "escapes": "\\",
    "table": "|",
    "strong": "**a ",
    "references": "[a]: b\n",
    "quoted references": "[a]: <",
    "lists": "- ",
    "deep lists": "1. ",
    "marks": "a\u0301",
}


@pytest.mark.parametrize("piece", WORST.values(), ids=WORST)
def test_the_worst_costs_its_length(piece):
    """T20: twice the text takes about twice the steps; where it took their square, it would take four times as many."""
    half, whole = (steps((piece * LONGEST)[:length]) for length in (LONGEST // 4, LONGEST // 2))
    assert whole <= 2.6 * half + 5_000
    assert disallowed(render((piece * LONGEST)[:LONGEST])) == []


def test_a_table_of_two_thousand_columns_costs_its_size():
    half, whole = (steps("|a" * columns + "\n" + "|-" * columns + "\n|b") for columns in (1_000, 2_000))
    assert whole <= 2.6 * half


def steps(source: str) -> int:
    """Lines of Python run while a text is rendered."""
    count = 0

    def step(frame, event, argument):
        nonlocal count
        count += event == "line"
        return step

    before = sys.gettrace()
    sys.settrace(step)
    try:
        render(source)
    finally:
        sys.settrace(before)
    return count
