"""What is exported comes back the same: into an empty atlas and out again, every kind, every text, both forms."""

import csv
import io
import json

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atlas.claim_files import neutral, plain
from atlas.dossiers import exports
from atlas.models import Foothold
from atlas.services import evidence, footholds, imports, terms
from tests import importing
from tests.claims import WORD
from tests.importing import EVERY_KIND, described

pytestmark = pytest.mark.django_db


def jsonl(actor=None, **chosen):
    """The export, as bytes."""
    return b"".join(exports.jsonl(exports.in_order(exports.chosen(actor, **chosen)), actor=actor))


def table(actor=None, kinds=("description", "link", "evidence", "circuit", "collection"), **chosen):
    """The export as CSV."""
    return "".join(exports.table(exports.in_order(exports.chosen(actor, **chosen)), actor=actor, kinds=kinds)).encode()


def carried(file):
    """The lines, less how they stood where they were exported."""
    return [{name: value for name, value in json.loads(line).items() if name != "record"} for line in file.splitlines()]


def bring(body, *, actor, team, checkpoint=None, form="jsonl"):
    """A file imported as a whole; its rows that were not created, with the reasons."""
    batch = importing.stage(body, actor=actor, team=team, checkpoint=checkpoint, form=form, source="elsewhere")
    imports.judge(actor=actor, batch=batch)
    imports.commit(actor=actor, batch=batch)
    return [(row.line, row.errors) for row in batch.rows.exclude(outcome="created")]


# --- the law ----------------------------------------------------------------------------------------------------------
LETTERS = st.text("aé=+-@',;\"<&＝漢 ", max_size=8)
WORDS = LETTERS.map(lambda text: f"{text}x")
PROSE = st.text("aé=+-@',\"\n\t|*", max_size=12)
UNITS = st.integers(0, 11).map(lambda channel: f"mixed:{channel}")
REFERENCES = st.fixed_dictionaries(
    {"title": WORDS, "url": st.just("https://example.org/=1")}, optional={"quote": WORDS}
)
TERMS = st.lists(
    st.fixed_dictionaries({"term": st.just("curve"), "polarity": st.sampled_from(["detects", "inhibited-by"])}),
    max_size=2,
)
DESCRIPTIONS = st.fixed_dictionaries(
    {"neuron": UNITS, "title": WORDS},
    optional={
        "body": PROSE,
        "terms": TERMS,
        "confidence": st.integers(1, 5),
        "senses": st.lists(st.fixed_dictionaries({"title": WORDS, "share": st.floats(0, 1)}), max_size=2),
        "claims": st.fixed_dictionaries({"causality": st.just("claimed")}),
        "parameters": st.lists(
            st.fixed_dictionaries({"name": WORDS, "value": st.floats(-1e9, 1e9), "unit": st.just("°")}), max_size=1
        ),
    },
)
LINKS = st.fixed_dictionaries(
    {
        "source": UNITS,
        "target": st.just("edges:1"),
        "relation": st.sampled_from(["duplicate", "antagonist"]),
        "rests_on": st.fixed_dictionaries({"reference": REFERENCES}),
    },
    optional={"sign": st.sampled_from(["+", "-", "mixed"]), "mechanism": PROSE},
)
EVIDENCES = st.fixed_dictionaries(
    {"method": st.just("LT"), "reference": REFERENCES},
    optional={"interpretation": PROSE, "parameters": st.just({"n": 3})},
)


@st.composite
def files(draw):
    """Rows of every kind, of which later ones name earlier ones."""
    every = [{"kind": "description", "content": draw(DESCRIPTIONS)}, {"kind": "link", "content": draw(LINKS)}]
    every = [{"external_id": f"{place} {draw(WORDS)}", **row} for place, row in enumerate(every)]
    claim, link = (row["external_id"] for row in every)
    ends = {"source": every[1]["content"]["source"], "target": "edges:1"}
    edges = [{**ends, "link": link}] if draw(st.booleans()) else []
    items = [{"foothold": draw(st.sampled_from([claim, link])), **draw(st.just({}) | st.builds(dict, note=WORDS))}]
    more = [
        ("collection", {"title": draw(WORDS), "form": "family", "items": [{"unit": draw(UNITS)}, *items]}),
        ("circuit", {"title": draw(WORDS), "nodes": [{"unit": unit} for unit in ends.values()], "edges": edges}),
        ("evidence", draw(EVIDENCES)),
    ]
    every += [{"external_id": kind, "kind": kind, "content": content} for kind, content in more]
    every[-1]["speaks_of"] = [{"claim": claim, "role": "contradicts", "facet": "purity"}]
    member = {"neuron": draw(UNITS), "title": draw(WORDS), "claims": {"family": "collection"}}
    return [*every, {"external_id": "member", "kind": "description", "content": member}]


@given(every=files())
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_exported_comes_back_the_same(every, ana, lab, checkpoint):
    with transaction.atomic():
        terms.create(actor=ana, slug="curve", label="curve")
        with transaction.atomic():
            assert bring(importing.jsonl(every), actor=ana, team=lab, checkpoint=checkpoint) == []
            Foothold.objects.update(source="", external_id="")  # as if they had been made here
            file, cells = jsonl(), table()
            assert len(file.splitlines()) == len(every)
            transaction.set_rollback(True)
        for body, form in ((file, "jsonl"), (cells, "csv")):
            with transaction.atomic():
                assert not Foothold.objects.exists()
                assert bring(body, actor=ana, team=lab, form=form) == []
                assert carried(jsonl()) == carried(file)
                transaction.set_rollback(True)
        transaction.set_rollback(True)


@given(text=st.text())
@settings(max_examples=50)
def test_a_cell_is_what_it_was_and_computes_nothing(text):
    assert plain(neutral(text)) == text
    assert not neutral(text).startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"))


# --- what is in it ----------------------------------------------------------------------------------------------------
def test_what_names_another_comes_after_it(load, ana):
    load(EVERY_KIND)
    first = footholds.create(
        actor=ana,
        kind="collection",
        checkpoint=None,
        team=Foothold.objects.first().team,
        content={"title": "Late", "items": []},
    )
    said = footholds.revision(first, 1).content
    later = Foothold.objects.get(external_id="n1")
    footholds.revise(actor=ana, foothold=first, content={**said, "items": [{"foothold": later.accession}]}, based_on=1)
    Foothold.objects.filter(pk=first.pk).update(external_id="late", source="distill")
    names = [line["external_id"] for line in carried(jsonl())]
    assert names.index("n1") < min(names.index("late"), names.index("curves"), names.index("word"))
    assert jsonl() == jsonl()


def test_a_circle_is_exported_all_the_same(load, ana):
    load([described(1), described(2)])
    one, other = Foothold.objects.order_by("pk")
    one.references.create(target=other, role="family")
    other.references.create(target=one, role="family")
    assert sorted(line["external_id"] for line in carried(jsonl())) == ["n1", "n2"]


def test_everybody_exports_what_they_may_read_and_no_more(describe, ana, bo, bob, load, lab):
    public, draft, hidden, withdrawn = (describe(title=title) for title in ("Public", "Draft", "Hidden", "Withdrawn"))
    footholds.withdraw(actor=ana, foothold=withdrawn)
    Foothold.objects.filter(pk=draft.pk).update(standing="draft", state="draft")
    Foothold.objects.filter(pk=hidden.pk).update(visibility="team")
    seen = {
        who: [line["content"]["title"] for line in carried(jsonl(actor))]
        for who, actor in {"nobody": None, "bob": bob, "bo": bo}.items()
    }
    assert seen == {"nobody": ["Public"], "bob": ["Public"], "bo": ["Public", "Hidden"]}
    assert [line["content"]["title"] for line in carried(jsonl(None, state="withdrawn"))] == ["Withdrawn"]
    assert carried(jsonl(None, state="draft")) == []
    assert len(carried(jsonl(ana, state="draft"))) == 1
    assert carried(jsonl(None))[0]["external_id"] == public.accession


def test_evidence_for_what_one_may_not_read_does_not_name_it(claim, ana, lab):
    evidence.give(actor=ana, claim=claim, team=lab, content=WORD)
    Foothold.objects.filter(pk=claim.pk).update(visibility="team")
    [line] = carried(jsonl())
    assert "speaks_of" not in line
    assert claim.accession not in json.dumps(line)
    assert [line.get("speaks_of", [{}])[0].get("claim") for line in carried(jsonl(ana))] == [None, claim.accession]


def test_a_spreadsheet_computes_nothing(describe):
    describe(title="=HYPERLINK(1)", body='@SUM(1)\n"two", ＝3')
    header, row = csv.reader(io.StringIO(table(kinds=["description"]).decode()))
    found = dict(zip(header, row, strict=True))
    assert (found["title"], found["body"]) == ("'=HYPERLINK(1)", '\'@SUM(1)\n"two", ＝3')
    assert found["record.state"] == "proposed"
    assert [cell for cell in row if cell[:1] in ("=", "+", "-", "@", "\t", "＝")] == []


def test_many_lines_are_read_by_few_queries(load):
    from django.test.utils import CaptureQueriesContext

    counts = []
    for size in (2, 12):
        load([described(number) for number in range(size)])
        with CaptureQueriesContext(connection) as queries:
            assert len(carried(jsonl())) == size
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 10
