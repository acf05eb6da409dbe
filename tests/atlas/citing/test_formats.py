"""What readers of other people's making find in the formats: all that was put in, whatever it was, and nothing else."""

import json
import re
import warnings
from dataclasses import replace
from pathlib import Path

import citeproc
import pytest
import rispy
from hypothesis import given
from pybtex.database import parse_string
from pyld import jsonld

from atlas.citing import FORMATS, bibtex, citation, csl, ris, text
from atlas.citing import jsonld as ours
from atlas.citing.facts import Around, Author, Item, Kind
from atlas.citing.names import parts_of
from tests.atlas.citing.works import BARE, FULL, HOSTILE, TAKEN_APART, works

EXACT = {
    ".bib": """\
@misc{footholds:F7K3Q9XD2M.3,
  author = {Rivera, Ana and Okafor, Chidi},
  title = {{Car detector: InceptionV1 (lucid) mixed4c:447}},
  year = {2026},
  month = oct,
  version = {3},
  publisher = {atlas.example.org Atlas},
  howpublished = {\\url{https://atlas.example.org/f/F7K3Q9XD2M/v3}},
  url = {https://atlas.example.org/f/F7K3Q9XD2M/v3},
  note = {Foothold F7K3Q9XD2M, version 3; checkpoint sha256:CHECKPOINT; content sha256:CONTENT}
}
""",
    ".ris": """\
TY  - DATA
ID  - footholds:F7K3Q9XD2M.3
TI  - Car detector: InceptionV1 (lucid) mixed4c:447
AU  - Rivera, Ana
AU  - Okafor, Chidi
PY  - 2026/10/03
ET  - 3
PB  - atlas.example.org Atlas
UR  - https://atlas.example.org/f/F7K3Q9XD2M/v3
N1  - Foothold F7K3Q9XD2M, version 3; checkpoint sha256:CHECKPOINT; content sha256:CONTENT
ER  - \n""",
    ".txt": (
        "Rivera, Ana; Okafor, Chidi. Car detector: InceptionV1 (lucid) mixed4c:447, version 3. atlas.example.org "
        "Atlas, 3 October 2026. https://atlas.example.org/f/F7K3Q9XD2M/v3 "
        "(Foothold F7K3Q9XD2M, version 3; checkpoint sha256:CHECKPOINT; content sha256:CONTENT).\n"
    ),
}
TEX = {"textbackslash": "\\", "textbraceleft": "{", "textbraceright": "}", "textasciitilde": "~",
       "textasciicircum": "^", "textless": "<", "textgreater": ">", "textbar": "|"}  # fmt: skip
FORTY = replace(FULL, authors=tuple(Author(f"Given Family{number}") for number in range(40)))
# The terms of schema.org that we use, and which of them hold addresses: its context, as far as we need it.
CONTEXT = {"@context": {"@vocab": "https://schema.org/", "url": {"@type": "@id"}, "license": {"@type": "@id"}}}


def printed(tex):
    """What LaTeX prints: its named letters, marks behind a backslash, and of braces nothing."""
    assert not re.search(r"(?<!\\)[$&#%_~^]", tex), "LaTeX takes it for a command"

    def letter(found):
        return TEX[found[1]] if found[1] else found[2] or found[3] or ""

    return re.sub(r"\\([a-z]+)\{\}|\\([$&#%_])|([^\\{}])|[{}]", letter, tex, flags=re.DOTALL)


@pytest.mark.parametrize("suffix", EXACT)
def test_the_exact_bytes(suffix):
    """Whoever cited yesterday gets the same bytes today: a change here changes the bibliographies of others."""
    expected = EXACT[suffix].replace("CHECKPOINT", "9c" * 32).replace("CONTENT", "51" * 32)
    assert FORMATS[suffix].write(FULL) == expected.replace("\n", "\r\n" if suffix == ".ris" else "\n")


@given(works)
def test_what_may_change_changes_no_format(work):
    other = Around((Item("https://h/a.png", "image/png"),), licence="MIT", latest="https://h/l", history="https://h/h")
    assert citation(replace(work, around=other)) == citation(work)


# --- BibTeX -----------------------------------------------------------------------------------------------------------
@given(works)
def test_bibtex_is_read_back_as_one_entry_that_prints_what_was_put_in(work):
    [(_, entry)] = parse_string(bibtex.entry(work), "bibtex").entries.items()
    assert entry.type == "misc"
    assert printed(entry.fields.get("title", "")) == work.title
    assert printed(entry.fields.get("publisher", "")) == work.publisher
    assert printed(entry.fields.get("note", "")) == work.note
    assert entry.fields["howpublished"] == f"\\url{{{work.url}}}"
    assert entry.fields.get("year") == (str(work.issued.year) if work.issued else None)
    people = entry.persons.get("author", ())
    assert [in_parts(person) for person in people] == [parts_of(one) for one in work.authors]


@pytest.mark.parametrize("signed", [signed for signed in TAKEN_APART if signed])
def test_bibtex_takes_names_apart_as_we_do(signed):
    [entry] = parse_string(bibtex.entry(replace(FULL, authors=(Author(signed),))), "bibtex").entries.values()
    assert [in_parts(person) for person in entry.persons["author"]] == [TAKEN_APART[signed]]


def in_parts(person):
    """A name as BibTeX has taken it apart."""
    first = person.first_names + person.middle_names
    parts = (person.last_names, first, person.prelast_names, person.lineage_names)
    return type(parts_of(Author("x")))(*(printed(" ".join(words)) for words in parts))


def test_a_hostile_title_is_one_title():
    work = replace(FULL, title=HOSTILE)
    [entry] = parse_string(bibtex.entry(work), "bibtex").entries.values()
    assert printed(entry.fields["title"]) == work.title
    assert work.title.startswith('Car & 50% of {é 曲} $x_1$ #~^\\ "q" <b>|</b>')


# --- RIS --------------------------------------------------------------------------------------------------------------
@given(works)
def test_ris_is_read_back_as_one_record(work):
    [record] = rispy.loads(ris.record(work))
    assert record["type_of_reference"] == "DATA"
    assert record.get("title", "") == work.title
    assert record.get("authors", []) == [parts_of(one).inverted for one in work.authors]
    assert record.get("publisher", "") == work.publisher
    assert record["urls"] == [work.url]
    assert record.get("year") == (f"{work.issued:%Y/%m/%d}" if work.issued else None)
    assert record.get("notes", [""]) == [work.note]
    assert "unknown_tag" not in record


@given(works)
def test_every_line_of_ris_is_a_tag_and_a_value(work):
    *lines, end = ris.record(work).split("\r\n")
    assert end == ""
    assert all(re.match(r"[A-Z][A-Z0-9]  - ", line) for line in lines)
    assert (lines[0], lines[-1], len(lines)) == (
        "TY  - DATA",
        "ER  - ",
        len("".join(lines).splitlines()) - 1 + len(lines),
    )


# --- CSL-JSON ---------------------------------------------------------------------------------------------------------
SCHEMA = Path(citeproc.__file__).parent / "data" / "schema" / "schemas" / "styles"


def test_csl_uses_the_types_variables_and_parts_of_the_official_schema():
    variables = set(re.findall(r'"([\w-]+)"', (SCHEMA / "csl-variables.rnc").read_text(), flags=re.ASCII))
    fields = csl.fields(FULL)
    assert {name for name in fields if name not in ("id", "type")} <= variables
    assert f'"{fields["type"]}"' in (SCHEMA / "csl-types.rnc").read_text()


@given(works)
def test_csl_is_json_that_holds_what_was_put_in(work):
    item = json.loads(csl.item(work))
    assert item.get("title", "") == work.title
    assert item.get("URL") == work.url
    assert len(item.get("author", ())) == len(work.authors)
    for name in item.get("author", ()):
        assert set(name) <= {"family", "given", "non-dropping-particle", "suffix", "literal"}
        assert all(isinstance(part, str) and part for part in name.values())
    if work.issued:
        assert item["issued"] == {"date-parts": [[work.issued.year, work.issued.month, work.issued.day]]}


def test_csl_is_rendered_by_a_processor():
    from citeproc.source.json import CiteProcJSON

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the processor thinks of its own style
        style = citeproc.CitationStylesStyle("harvard-cite-them-right", validate=False)
        work = replace(FULL, authors=(Author("Ludwig van Beethoven"), Author("Plato"), Author("Ana Rivera")))
        shelf = citeproc.CitationStylesBibliography(
            style, CiteProcJSON([json.loads(csl.item(work))]), citeproc.formatter.plain
        )
        shelf.register(citeproc.Citation([citeproc.CitationItem(work.key.lower())]))
        [shown] = [str(line) for line in shelf.bibliography()]
    assert "van Beethoven, L., Plato and Rivera, A. (2026)" in shown
    assert "Car detector: InceptionV1 (lucid) mixed4c:447" in shown
    assert FULL.url in shown


# --- JSON-LD ----------------------------------------------------------------------------------------------------------
def expanded(work):
    """The graph's only node as a processor reads it, offline: schema.org's context is the one above."""
    [node] = jsonld.expand(
        json.loads(ours.document(work)),
        {"documentLoader": lambda url, options: {"documentUrl": url, "document": CONTEXT, "contextUrl": None}},
    )
    return node


def test_json_ld_is_a_node_of_schema_org():
    node = expanded(FULL)
    schema = "https://schema.org"
    assert (node["@id"], node["@type"]) == (FULL.url, [f"{schema}/CreativeWork"])
    assert [creator["@id"] for creator in node[f"{schema}/creator"]] == [
        "https://orcid.org/0000-0002-1825-0097",
        "https://atlas.example.org/u/chidi",
    ]
    assert node[f"{schema}/creator"][0][f"{schema}/familyName"] == [{"@value": "Rivera"}]
    assert node[f"{schema}/license"] == [{"@id": "https://creativecommons.org/licenses/by/4.0/"}]
    assert node[f"{schema}/isPartOf"] == [{"@id": FULL.part_of}]
    assert node[f"{schema}/version"] == [{"@value": "3"}]
    assert {term.rpartition("/")[2] for term in node} == {
        "@id", "@type", "name", "description", "url", "identifier", "version", "creator", "datePublished", "publisher",
        "license", "isPartOf",
    }  # fmt: skip


@given(works)
def test_json_ld_is_one_node_with_what_was_put_in(work):
    node = expanded(work)
    assert node.get("https://schema.org/name", [{"@value": ""}])[0]["@value"] == work.title
    assert node["@id"] == work.url


# --- authors and dates ------------------------------------------------------------------------------------------------
def test_files_name_all_authors_and_the_sentence_the_first():
    [entry] = parse_string(bibtex.entry(FORTY), "bibtex").entries.values()
    assert len(entry.persons["author"]) == 40
    assert len(rispy.loads(ris.record(FORTY))[0]["authors"]) == 40
    assert len(csl.fields(FORTY)["author"]) == len(ours.node(FORTY)["creator"]) == 40
    said = text.sentence(FORTY)
    assert said.startswith("Family0, Given; Family1, Given; ")
    assert "Family5, Given et al. Car detector" in said
    assert "Family6" not in said


def test_nobodys_work_without_a_date():
    """A neuron's identity: no author, no time, no version, and no empty field that says so."""
    assert bibtex.entry(BARE) == (
        "@misc{footholds:toy/edges:1,\n  key = {Neuron edges:1 of toy},\n  title = {{Neuron edges:1 of toy}},\n"
        "  publisher = {h.example Atlas},\n  howpublished = {\\url{https://h.example/c/toy/edges/1}},\n"
        "  url = {https://h.example/c/toy/edges/1}\n}\n"
    )
    assert text.sentence(BARE) == "Neuron edges:1 of toy. h.example Atlas. https://h.example/c/toy/edges/1.\n"
    assert set(csl.fields(BARE)) == {"id", "type", "title", "publisher", "URL"}
    assert set(ours.node(BARE)) == {"@context", "@id", "@type", "name", "url", "identifier", "publisher"}
    assert ris.record(BARE).count("\r\n") == 6


@given(works)
def test_the_sentence_is_one_line(work):
    assert text.sentence(work).splitlines() == [text.sentence(work).rstrip("\n")]


def test_every_format_is_reached_by_a_suffix_and_a_media_type_of_its_own():
    assert len({form.media_type for form in FORMATS.values()}) == len(FORMATS) == 5
    written = citation(FULL)
    assert (written.key, written.url) == ("footholds:F7K3Q9XD2M.3", FULL.url)
    assert [(one.suffix, one.url, one.text) for one in written.formats] == [
        (suffix, f"{FULL.url}{suffix}", form.write(FULL)) for suffix, form in FORMATS.items()
    ]


def test_every_kind_has_a_type():
    assert set(ours.TYPES) == set(Kind)
