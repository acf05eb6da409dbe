"""A claim's form: whatever a content holds is typed in it and read back as it was, and every fault finds its field."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas import canonical, validation
from atlas.contents import CONTENTS, PROSE, hand, lines
from atlas.web import writing

SAFE = st.integers(-canonical.SAFE_INTEGER, canonical.SAFE_INTEGER)
LETTERS = st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp", "Cf"))


def words(rule, *, prose=False):
    """Texts of a rule as people write them: without spaces at the ends, in one line unless it is prose."""
    if "pattern" in rule:
        return st.from_regex(rule["pattern"], fullmatch=True).filter(lambda text: len(text) <= 300)
    letters = LETTERS | st.just("\n") if prose else LETTERS | st.sampled_from("|\\, ")
    most = min(rule.get("maxLength", 20), 20)
    return (
        st.text(letters, min_size=rule.get("minLength", 0), max_size=most)
        .map(str.strip)
        .filter(lambda text: len(text) >= rule.get("minLength", 0))
    )


def contents(rule, name=""):
    """Values that a schema allows; a term by its slug, as the vocabulary has it."""
    if name == "term":
        return st.from_regex(r"[a-z0-9][a-z0-9-]{1,20}", fullmatch=True)
    if "enum" in rule:
        return st.sampled_from(rule["enum"])
    if "properties" in rule:
        return objects(rule)
    if "anyOf" in rule:
        return st.one_of(*(contents(form, name) for form in rule["anyOf"]))
    match rule["type"]:
        case "null":
            return st.none()
        case "array":
            plain = "properties" not in rule["items"]
            item = words(rule["items"]).filter(bool) if plain else contents(rule["items"])
            return st.lists(item, min_size=rule.get("minItems", 0), max_size=3)
        case "integer":
            return st.integers(rule.get("minimum", -9), rule.get("maximum", 9))
        case "number":
            return st.floats(rule.get("minimum", -1e9), rule.get("maximum", 1e9), allow_nan=False)
        case "object":
            return st.dictionaries(st.text(LETTERS, min_size=1, max_size=5), SAFE | st.text(LETTERS), max_size=2)
    return words(rule, prose=name in PROSE)


def objects(rule):
    """An object with some of its optional members; of a choice of required ones, one."""
    chosen = st.sampled_from([form["required"] for key in ("oneOf", "anyOf") for form in rule.get(key, ())] or [[]])
    if rule.get("maxProperties") == 1:
        chosen = st.sampled_from([[name] for name in rule["properties"]])
    exclusive = {name for form in rule.get("oneOf", ()) for name in form["required"]}

    def made(names):
        needed = {*rule.get("required", ()), *names}
        free = set() if rule.get("maxProperties") == 1 else set(rule["properties"]) - needed - exclusive
        every = {name: contents(it, name) for name, it in rule["properties"].items()}
        return st.fixed_dictionaries(
            {name: every[name] for name in sorted(needed)}, optional={name: every[name] for name in sorted(free)}
        )

    return chosen.flatmap(made)


def bare(value):
    """Without what says nothing: an absent member, an empty text, an empty list and null are one on a form."""
    if isinstance(value, dict):
        members = {name: bare(inner) for name, inner in value.items()}
        return {name: inner for name, inner in members.items() if inner not in ("", None, [], {})}
    return [bare(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("kind", CONTENTS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_a_content_holds_is_typed_and_read_back(kind, data):
    schema = CONTENTS[kind].schema
    content = validation.with_defaults(data.draw(contents(schema)), schema)
    found, errors = writing.read(kind, writing.typed_for(kind, content))
    assert errors == []
    assert bare(validation.with_defaults(found, schema)) == bare(content)


@pytest.mark.parametrize("kind", CONTENTS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_nothing_that_is_typed_is_lost_or_breaks_it(kind, data):
    names = [it.name for it in hand.members(CONTENTS[kind])]
    typed = data.draw(st.fixed_dictionaries({name: st.text(max_size=30) for name in names}))
    content, errors = writing.read(kind, typed)
    faults = errors + validation.faults(content, CONTENTS[kind].schema, at="/content")
    shown = writing.form(kind, typed, errors=faults)
    posted = {field.name: field.text for field in shown.fields}
    assert writing.typed_in(kind, posted) == typed
    assert sum(len(field.errors) for field in shown.fields) + len(shown.elsewhere) == len(faults)


def test_every_member_has_one_field_of_its_kind():
    kinds = {it.name: it.kind for kind in ("link", "description") for it in hand.members(CONTENTS[kind])}
    assert kinds["body"] == "prose"
    assert kinds["terms"] == "lines"
    assert kinds["claims.family"] == "line"
    assert kinds["confidence"] == "number"
    assert kinds["rests_on.reference.doi"] == "line"
    assert kinds["relation"] == "choice"
    assert kinds["parameters"] == "lines"


def test_what_makes_it_this_claim_is_fixed_once_it_is_made():
    new, revised = (writing.form("description", {}, new=new) for new in (True, False))
    assert [field.name for field in new.fields if field.fixed] == []
    assert [field.name for field in revised.fields if field.fixed] == ["content.neuron"]


@pytest.mark.parametrize(
    ("pointer", "name", "says"),
    [
        ("/content/title", "content.title", "No."),
        ("/content/terms/1/polarity", "content.terms", "Entry 2, polarity: No."),
        ("/content/claims/family", "content.claims.family", "No."),
        ("/content/rests_on", "content.rests_on.finding", "No."),
    ],
)
def test_a_fault_stands_where_it_is(pointer, name, says):
    kind = "link" if "rests_on" in pointer else "description"
    shown = writing.form(kind, {}, errors=[{"pointer": pointer, "detail": "No."}])
    assert {field.name: field.errors for field in shown.fields if field.errors} == {name: (says,)}
    assert shown.elsewhere == ()


def test_a_fault_of_the_whole_stands_above():
    for pointer in ("", "/team", "/content"):
        assert writing.form("link", {}, errors=[{"pointer": pointer, "detail": "No."}]).elsewhere == ("No.",)


TERMS = CONTENTS["description"].schema["properties"]["terms"]["items"]
PARAMETERS = CONTENTS["description"].schema["properties"]["parameters"]["items"]


@pytest.mark.parametrize(
    ("text", "item", "found"),
    [
        ("curve | detects\n\n edge|inhibited-by ", TERMS, [("curve", "detects"), ("edge", "inhibited-by")]),
        ("orientation | 45 | ° | 5", PARAMETERS, [("orientation", 45, "°", 5)]),
        ("curvature | 0.5", PARAMETERS, [("curvature", 0.5, "")]),
        (r"a \| b | 1 | m\\s", PARAMETERS, [("a | b", 1, r"m\s")]),
        (r"a | 1 | \| | 2", PARAMETERS, [("a", 1, "|", 2)]),
        (r"a | 1 | \|", PARAMETERS, [("a", 1, "|")]),
        (r"a | 1 | \\|", PARAMETERS, [("a", 1, "\\")]),
    ],
)
def test_lists_are_lines_and_bars(text, item, found):
    assert [tuple(one.values()) for one in lines.read(text, item)] == found


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a | x | °", "Entry 1: “x” is not a number."),
        ("a | 1 | ° | 2 | 3", "Entry 1: It has 5 parts divided by bars, of at most 4."),
        ("a | 1\nb | 1_000", "Entry 2: “1_000” is not a number."),
        ("a | 1e999", "Entry 1: “1e999” is not a number."),
    ],
)
def test_a_line_that_cannot_be_read_is_named(text, says):
    with pytest.raises(lines.Unreadable) as raised:
        lines.read(text, PARAMETERS)
    assert str(raised.value) == says


@pytest.mark.parametrize(
    ("text", "says"),
    [
        *((f'{{"a": {"[" * deep}{"]" * deep}}}', "nested") for deep in (40, 400, 900, 100_000)),
        ('{"a": NaN}', "NaN is not JSON."),
        ('{"a": 1e999}', "finite"),
        ('{"a": 1, "a": 2}', "The key a is given twice"),
        (r'{"a": "\ud800"}', "surrogates"),
        ("{", "“{” is not JSON."),
    ],
    ids=lambda text: text[:20],
)
def test_json_is_read_as_strictly_as_a_body(text, says):
    content, [error] = writing.read("evidence", {"parameters": text})
    assert (content, error["pointer"]) == ({}, "/content/parameters")
    assert says in error["detail"]
    with pytest.raises(lines.Unreadable):
        lines.read(
            f"tuning | /x | {text.replace(chr(92), chr(92) * 2)}",
            CONTENTS["link"].schema["properties"]["predictions"]["items"],
        )
