"""What the guide shows is made by its script, and what it names is on the pages; pictures go stale without a word."""

import re
from pathlib import Path

import pytest
from django.urls import resolve

ROOT = Path(__file__).parent.parent
GUIDE = ROOT / "docs" / "guide"
WEB = ROOT / "atlas" / "web"
CHAPTERS = sorted(GUIDE.glob("*.md"))
SCRIPT = (GUIDE / "pictures.py").read_text()
LARGEST, ALL = 80 * 1024, 1024 * 1024  # bytes
EVERYWHERE = {"j", "k", "?", "Ctrl", "K", "Tab", "Enter"}  # keys.js and the browser have these
FIGURE = {"+", "-", "0"}  # circuit.js has these
PHRASE = r"(?<!\*)\*([A-Z][^*\n]+(?:\n[^*\n]+)?)\*(?!\*)"


def shown() -> dict[str, str]:
    """Every picture that the guide shows, with its alt text."""
    return {name: alt for path in CHAPTERS for alt, name in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", path.read_text())}


def test_every_picture_is_made_by_the_script_shown_and_described():
    there = {path.name for path in GUIDE.iterdir() if path.suffix in (".webp", ".png")}
    assert there == set(shown()) == set(re.findall(r'"(\w+\.(?:webp|png))"', SCRIPT))
    assert [name for name, alt in shown().items() if len(alt) < 20] == []


def test_its_pictures_are_small():
    sizes = [path.stat().st_size for path in GUIDE.glob("*.webp")]
    assert max(sizes) <= LARGEST
    assert sum(sizes) <= ALL


def test_every_chapter_is_in_its_contents():
    contents = (GUIDE / "README.md").read_text()
    assert [path.name for path in CHAPTERS if path.name != "README.md" and f"]({path.name})" not in contents] == []


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_address_of_ours_leads_to_a_page(path):
    for address in re.findall(r"http://127\.0\.0\.1:8000([^\s)?#]*)", path.read_text()):
        resolve(address or "/")


def offered() -> set[str]:
    """Every key that some element of the pages names."""
    files = [*WEB.rglob("*.html"), *WEB.glob("*.py")]
    return {key for file in files for key in re.findall(r'(?:data-key|\bkey)="(.)"', file.read_text())}


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_key_it_names_is_on_a_page(path):
    named = set(re.findall(r"`(.|Ctrl|Tab|Enter)`", path.read_text()))
    assert named - offered() - EVERYWHERE - FIGURE == set()


def test_every_key_that_the_page_about_keys_names_is_on_a_page():
    named = set(re.findall(r"<kbd>(.)</kbd>", (WEB / "templates" / "keyboard.html").read_text()))
    assert len(named) > 8
    assert named - offered() - EVERYWHERE - {"⌘"} == set()


def test_every_key_of_a_field_says_what_it_does():
    """The list of keys takes the words of a link or a button; a field has none of its own."""
    fields = [
        field for file in WEB.rglob("*.html") for field in re.findall(r"<[^>]* data-key=[^>]*>", file.read_text())
    ]
    asked = [field for field in fields if field.startswith(("<input", "<textarea", "<select"))]
    assert len(asked) > 3
    assert [field for field in asked if "data-key-label=" not in field and "aria-label=" not in field] == []


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_what_it_quotes_from_the_pages_stands_there(path):
    """A button that is called otherwise by now."""
    written = " ".join(file.read_text() for file in [*WEB.rglob("*.html"), *WEB.rglob("*.py"), *WEB.rglob("*.js")])
    quoted = [" ".join(phrase.split()) for phrase in re.findall(PHRASE, path.read_text())]
    assert [phrase for phrase in quoted if phrase not in written] == []
