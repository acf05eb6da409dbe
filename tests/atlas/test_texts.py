"""The policy for what people write: nothing that misleads a reader is kept, and everything else is kept as meant."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas import canonical, texts
from atlas.errors import BadCard, NotCanonical, TextPolicy, Validation
from atlas.models import Team
from atlas.services import people, teams, tokens
from atlas.services.checkpoints import read_card

LINES = {
    "U+202E": ("a\u202eb", "bidi-override"),
    "U+2066": ("a\u2066b", "bidi-override"),
    "U+FFFE": ("a\ufffe", "noncharacter"),
    "U+10FFFF": ("a\U0010ffff", "noncharacter"),
    "U+FDD0": ("a\ufdd0", "noncharacter"),
    "10 marks": ("a" + "\u0301" * 10, "combining-marks"),
    "ZWJ flood": ("a" + "\u200d" * 50, "combining-marks"),
    "NUL": ("a\x00", "control-character"),
    "escape": ("a\x1b[2J", "control-character"),
    "C1": ("a\x85b", "control-character"),
    "two lines": ("a\nb", "control-character"),
    "line separator": ("a\u2028b", "control-character"),
    "lone surrogate": ("a\ud800", "control-character"),
    "nothing to be seen": ("\u200b\u200d", "invisible"),
    "nothing": ("", "not-length"),
    "spaces": ("   ", "not-length"),
    "too long": ("x" * 121, "not-length"),
}
KEPT = {
    "accents": "Zoë Ångström",
    "decomposed": "Zoe\u0308",
    "Vietnamese": "Nguyễn Thị",
    "Hebrew with points and a mark of direction": "שָׁלוֹם\u200f 1",
    "Hindi": "क्षत्रिय",
    "a family": "👩‍👩‍👧‍👦",
    "Wales": "🏴\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f",
    "markup": "<b>& 'co'",
    "formula": "=1+1",
    "8 marks": "a" + "\u0300" * 8,
    "as long as may be": "x" * 120,
}


@pytest.mark.parametrize(("text", "code"), LINES.values(), ids=LINES)
def test_a_title_that_misleads_is_refused_by_its_field(text, code):
    with pytest.raises(Validation) as caught:
        texts.line(text, at="/title", longest=120)
    assert [(error["pointer"], error["code"]) for error in caught.value.errors] == [("/title", code)]
    assert isinstance(caught.value, TextPolicy) == (code != "not-length")
    assert caught.value.status == 422


@pytest.mark.parametrize("blank", [" ", "  ", "\u2003", "\u200b", "\u200e \u200f"], ids=ascii)
@pytest.mark.parametrize(
    ("field", "content"),
    [
        ("title", lambda blank: {"title": blank}),
        ("parameters/0/name", lambda blank: {"parameters": [{"name": blank, "value": 1, "unit": ""}]}),
        ("senses/0/title", lambda blank: {"senses": [{"title": blank}]}),
    ],
)
def test_what_is_to_be_read_is_not_blank(describe, blank, field, content):
    """A claim without a title would be a link that nobody sees, and a citation of nothing."""
    with pytest.raises((Validation, TextPolicy)) as refused:
        describe(**content(blank))
    assert [it["pointer"] for it in refused.value.errors] == [f"/content/{field}"]
    assert "to be seen" in refused.value.errors[0]["detail"]


@pytest.mark.parametrize("text", KEPT.values(), ids=KEPT)
def test_what_people_are_called_is_kept(text):
    kept = texts.line(f" {text} ", at="/title", longest=120)
    assert kept == unicodedata.normalize("NFC", text)
    assert texts.line(kept, at="/title", longest=120) == kept


def test_prose_has_lines_and_its_own_directions():
    assert texts.prose("a\r\nb\rc\n\td\u202e", at="/body", longest=100) == "a\nb\nc\n\td\u202e"
    assert texts.prose("", at="/body", longest=100) == ""


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a\x00", "control-character"),
        ("a\x0b", "control-character"),
        ("a\uffff", "noncharacter"),
        ("x" * 8_001, "not-length"),
        ("[a](https://a.b) " * 101, "too-many-links"),
        ("<https://a.b> " * 300, "too-many-links"),
    ],
    ids=str,
)
def test_prose_that_misleads_is_refused(text, code):
    with pytest.raises(Validation) as caught:
        texts.prose(text, at="/body", longest=8_000)
    assert [error["code"] for error in caught.value.errors] == [code]


def test_a_hundred_links_and_eight_thousand_characters_are_kept():
    assert texts.prose("[a](https://a.b) " * 100, at="/body", longest=8_000)
    assert len(texts.prose("x" * 8_000, at="/body", longest=8_000)) == 8_000


@given(st.text(max_size=60))
def test_a_line_is_kept_in_one_form_or_refused(text):
    """Whatever it is: what was kept is kept again unchanged, and goes into every database."""
    faults = texts.faults_of_line(text, at="/x", longest=50)
    if not faults:
        kept = texts.line(text, at="/x", longest=50)
        assert texts.line(kept, at="/x", longest=50) == kept == unicodedata.normalize("NFC", kept)
        assert 1 <= len(kept.encode().decode()) <= 50
        assert not {unicodedata.category(letter) for letter in kept} & {"Cc", "Cs", "Zl", "Zp"}


@pytest.mark.parametrize("text", ["\u0300\u0316" * 400, "a" + "\u0316" * 31])
def test_ordering_marks_never_costs_their_square(text):
    """NFC sorts the marks of a letter by insertion: 65,536 of them in the worst order took 6 s."""
    with pytest.raises(NotCanonical):
        canonical.encode({"a": text})
    with pytest.raises(TextPolicy):
        texts.line("b" + text, at="/x", longest=1_000)


@pytest.mark.django_db
class TestEveryDoor:
    """Whatever service keeps people's words asks the policy first, and leaves nothing when it says no."""

    @pytest.mark.parametrize("text", ["a\u202eb", "a\ufffe", "a" + "\u0301" * 10])
    def test_names(self, user, alice, text):
        team = teams.found(actor=None, slug="curves", name="Curves", admin=alice)
        doors = {
            "/name": [
                lambda: teams.found(actor=None, slug="other", name=text),
                lambda: teams.rename(actor=alice, team=team, name=text, based_on=team.version_tag),
                lambda: tokens.create(owner=user, name=text, scopes=["read"]),
            ],
            "/citation_name": [
                lambda: people.introduce(user, citation_name=text, orcid=""),
                lambda: people.admit(username="dora", citation_name=text),
                lambda: people.sign_up(
                    username="dora", password="correct horse", citation_name=text, email="d@e.org", agreed=True
                ),
            ],
        }
        for pointer, every in doors.items():
            for door in every:
                with pytest.raises(Validation) as caught:
                    door()
                assert pointer in [error["pointer"] for error in caught.value.errors]
        assert not Team.objects.filter(slug__in=["other", "dora"]).exists()

    @pytest.mark.parametrize(
        ("field", "value", "pointer"),
        [
            ("title", "a\u202eb", "/title"),
            ("summary", "a\x07", "/summary"),
            ("labels", ["x", "a\u2067"], "/labels/1"),
            ("units", {"edges": ["a\ufffe"]}, "/units/edges/0"),
            ("units", {"ed\u202e": []}, "/units/ed\u202e"),
            ("source", "javascript:alert(1)", "/source"),
            ("paper", "file:///etc/passwd", "/paper"),
        ],
    )
    def test_cards(self, field, value, pointer):
        with pytest.raises(TextPolicy) as caught:
            read_card({"title": "x", "input": {}, "licence": "CC0-1.0", field: value})
        assert [error["pointer"] for error in caught.value.errors] == [pointer]

    def test_a_card_is_kept_composed(self):
        card = read_card(
            {
                "title": " Zoe\u0308 ",
                "summary": "a\r\nb",
                "input": {},
                "licence": "CC0-1.0",
                "paper": "arXiv:1602.07360",
            }
        )
        assert (card["title"], card["summary"], card["paper"]) == ("Zoë", "a\nb", "arXiv:1602.07360")

    def test_a_long_name_fits_a_personal_space(self, db):
        """A person's name may be longer than a team's; PostgreSQL refuses what does not fit."""
        user, _ = people.admit(username="dora", citation_name="x" * 200)
        assert user.contributor.personal_space.name == "x" * 120

    def test_a_card_of_another_kind_is_still_a_bad_card(self):
        with pytest.raises(BadCard):
            read_card({"title": 1})
