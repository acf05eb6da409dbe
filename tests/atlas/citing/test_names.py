"""Names taken apart as their bearers would, and lines that stay lines."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.citing.facts import Author, Item, address, line
from atlas.citing.names import Name, parts_of
from tests.atlas.citing.works import TAKEN_APART, names


@pytest.mark.parametrize("signed", TAKEN_APART)
def test_a_name_is_taken_apart_as_its_bearer_would(signed):
    assert parts_of(Author(signed)) == TAKEN_APART[signed]


@pytest.mark.parametrize(
    ("signed", "inverted", "spoken"),
    [
        ("Ludwig van Beethoven", "van Beethoven, Ludwig", "Ludwig van Beethoven"),
        ("King, Jr., Martin Luther", "King, Martin Luther, Jr.", "Martin Luther King Jr."),
        ("Plato", "Plato", "Plato"),
    ],
)
def test_a_name_is_put_together_again(signed, inverted, spoken):
    assert (parts_of(Author(signed)).inverted, parts_of(Author(signed)).spoken) == (inverted, spoken)


def test_what_is_whole_stays_whole():
    assert parts_of(Author("Former contributor 3fa9", whole=True)) == Name("Former contributor 3fa9")


@given(names)
def test_no_word_of_a_name_is_lost(signed):
    author = Author(signed)
    name = parts_of(author)
    spoken = name.spoken if name.whole else name.spoken.replace(",", "")
    assert sorted(spoken.split()) == sorted((author.name if name.whole else author.name.replace(",", " ")).split())


@given(st.text())
def test_a_line_is_one_line_of_what_can_be_seen(text):
    found = line(text)
    assert len(found.splitlines()) <= 1
    assert not [letter for letter in found if unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")]
    assert found == line(found) == " ".join(found.split())
    found.encode()


def test_a_line_keeps_what_people_write():
    assert line(" Caf\u0065\u0301 \r\n曲線 \u202egnp.exe\x00 ") == "Café 曲線 gnp.exe"


@given(st.text())
def test_an_address_ends_no_header_and_no_record(text):
    found = address(text)
    assert found.isascii()
    assert not set(found) & set(' \r\n\t<>"{}\\|^`')
    assert found == address(found)


def test_an_item_is_as_harmless():
    item = Item('https://h.example/a b>; rel="author', "image/png\r\nSet-Cookie: x")
    assert item == Item("https://h.example/a%20b%3E%3B%20rel=%22author", "image/png Set-Cookie: x")


@pytest.mark.parametrize(
    ("author", "found"),
    [
        (Author("A", orcid="0000-0002-1825-0097", url="https://h/u/a"), "https://orcid.org/0000-0002-1825-0097"),
        (Author("A", url="https://h/u/a"), "https://h/u/a"),
        (Author("A"), ""),
    ],
)
def test_an_authors_address_is_the_one_known_everywhere_first(author, found):
    assert author.address == found
