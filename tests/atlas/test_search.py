"""Searching, held against a slow reader; and that it tells nobody what they may not know."""

import random

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from atlas import accessions, health
from atlas.dossiers import footholds as dossiers
from atlas.dossiers import search
from atlas.errors import MalformedQuery, Validation
from atlas.models import Foothold, IndexEntry, Membership, Role, Team
from atlas.search import Alternatives, Field, Not, Word, all_of, any_of, written
from atlas.search.words import forms, words
from atlas.services import footholds, people, reviews, terms
from atlas.services.connections import Measured
from tests.claims import DISPUTE, revise

pytestmark = pytest.mark.django_db
VOCABULARY = ("curve", "edge", "Gödel", "45°", "dog", "fur", "round", "curves", "wheel")


def found(query, actor=None, **more):
    """Titles of what somebody finds, in order."""
    return [hit.foothold.title for hit in search.find(query, actor=actor, limit=50, **more).dossier.items]


def pages(query, actor, limit):
    """Accessions page by page."""
    seen, after = [], None
    while True:
        page = search.find(query, actor=actor, limit=limit, after=after)
        seen += [hit.foothold.accession for hit in page.dossier.items]
        after = page.after
        if after is None:
            return seen


# --- what is found ----------------------------------------------------------------------------------------------------
class SlowReader:
    """Reads every foothold it may, word by word."""

    def __init__(self, actor):
        self.rows = list(dossiers.readable_by(actor))
        self.states = {it.accession: it.state for it in dossiers.listed(self.rows, actor=actor)}
        heads = {row.pk: row.revisions.get(version=row.head_version).content for row in self.rows}
        self.said = {row.pk: words(f"{heads[row.pk]['title']} {heads[row.pk]['body']}") for row in self.rows}

    def finds(self, tree):
        """Accessions of what a tree means."""
        return {row.accession for row in self.rows if self.holds(tree, row)}

    def holds(self, tree, row):
        if isinstance(tree, Not):
            return not self.holds(tree.inner, row)
        if isinstance(tree, Word):
            said = self.said[row.pk]
            if tree.prefix:
                return any(word.startswith(words(tree.text)[0]) for word in said)
            return bool(set(forms(words(tree.text)[0])) & set(said))
        if isinstance(tree, Field):
            return {"rank": row.rank, "state": self.states[row.accession]}[tree.name] == tree.value
        every = any if isinstance(tree, Alternatives) else all
        return every(self.holds(part, row) for part in tree.parts)


def tree(chance, depth=3):
    """Some query."""
    kind = chance.random()
    if depth == 0 or kind < 0.4:
        word = chance.choice(VOCABULARY)
        return Word(words(word)[0][:3], prefix=True) if len(word) > 3 and chance.random() < 0.2 else Word(word)
    if kind < 0.5:
        return Field("rank", chance.choice(["preferred", "normal"]))
    if kind < 0.55:
        return Field("state", chance.choice(["proposed", "withdrawn", "draft"]))
    if kind < 0.65:
        return Not(tree(chance, depth - 1))
    joined = all_of if kind < 0.85 else any_of
    return joined(*(tree(chance, depth - 1) for _ in range(chance.randint(2, 3))))


@pytest.fixture
def library(describe, ana, curator, operator):
    """Fourteen claims of random words: some preferred, drafts, withdrawn, hidden."""
    chance = random.Random(0)
    made = []
    for number in range(14):
        title, body = (" ".join(chance.choices(VOCABULARY, k=count)) for count in (2, 6))
        made.append(describe(neuron=f"mixed:{number % 12}", title=title, body=body, draft=number == 3))
    footholds.set_rank(actor=curator, foothold=made[5], rank="preferred")
    footholds.withdraw(actor=ana, foothold=made[7])
    footholds.moderate(actor=operator, foothold=made[9], to="hidden", reason="Not here.")
    return made


def test_the_database_finds_what_a_slow_reader_finds(library, ana, bo, bob):
    chance = random.Random(1)
    readers = [(actor, SlowReader(actor)) for actor in (None, ana, bo, bob)]
    for _ in range(60):
        asked, (actor, reader) = tree(chance), chance.choice(readers)
        listed = pages(written(asked), actor, limit=5)
        assert set(listed) == reader.finds(asked), written(asked)
        assert len(listed) == len(set(listed))


def test_both_databases_agree_on_what_a_word_is(describe):
    describe(title="Gödel's STRASSE, ﬁlter 45°", body="see **4c:447**, low-level; 曲線")
    for query in ("godel", "GÖDEL", "go\u0308del", "straße", "filter", "45", "45°", '"4c 447"', "4c:447", "low-level",
                  '"low level"', "曲線", "線", "stras*", "strasses", "see"):  # fmt: skip
        assert len(found(query)) == 1, query
    for query in ("4", "44", "level-low", '"447 4c"', "lev", "線曲", '"45 see"', "strassen"):
        assert found(query) == [], query


def test_titles_first_then_what_is_preferred_then_accepted_then_the_newest(describe, curator, bo, cy, ana):
    names = ("in a text", "accepted", "plain", "newer", "preferred", "deprecated", "withdrawn")
    made = {name: describe(title=f"Curve {name}") for name in names[1:]}
    describe(title="Line", body="beside a curve")
    footholds.set_rank(actor=curator, foothold=made["preferred"], rank="preferred")
    footholds.set_rank(actor=curator, foothold=made["deprecated"], rank="deprecated")
    footholds.withdraw(actor=ana, foothold=made["withdrawn"])
    for reviewer in (bo, cy):
        reviews.review(actor=reviewer, foothold=made["accepted"], version=1, verdict="agree")
    order = ["preferred", "accepted", "newer", "plain", "deprecated", "withdrawn"]
    assert found("curve") == [*(f"Curve {name}" for name in order), "Line"]
    assert found("curve") == found("curve -nothing") == found("curves OR nothing")
    for limit in (1, 2, 3, 7):
        assert pages("curve", None, limit) == pages("curve", None, 50)


def test_what_is_written_meanwhile_moves_nothing(library, describe):
    whole = pages("curve", None, 50)
    first = search.find("curve", actor=None, limit=2)
    describe(title="Curve, another")
    rest = search.find("curve", actor=None, limit=50, after=first.after)
    assert [hit.foothold.accession for hit in (*first.dossier.items, *rest.dossier.items)] == whole


def test_passages_show_the_words(describe):
    describe(title="Curve <b>", body="x " * 200 + "and a **bent** thing & more. " + "y " * 200)
    [hit] = search.find("curve bent", actor=None, limit=5).dossier.items
    assert [piece.text for piece in (*hit.title, *hit.passage) if piece.hit] == ["Curve", "bent"]
    assert "".join(piece.text for piece in hit.title) == "Curve <b>"
    page = Client().get("/search?q=bent").content.decode()
    assert "<mark>bent</mark> thing &amp; more" in page


# --- fields -----------------------------------------------------------------------------------------------------------
def test_every_field_finds_what_it_says(argued, describe, ana, lab, checkpoint):
    describe(title="Other", neuron="edges:1", confidence=5)
    link = {"source": "edges:1", "target": "mixed:9", "relation": "excites", "sign": "+",
            "rests_on": {"reference": {"title": "Zoom In", "doi": "10.23915/distill.00024.001"}}}  # fmt: skip
    footholds.create(actor=ana, kind="link", checkpoint=checkpoint, team=lab, content=link)
    claim, word, joined = "A curve", "author's word", "edges:1 excites mixed:9"
    for query, titles in {
        "kind:link": [joined], "kind:evidence": [word], "state:resolved": [claim], "rank:preferred": [],
        "has:evidence": [claim], "has:review": [claim], "method:AU": [word, claim], "method:fv": [],
        "relation:excites": [joined], "polarity:detects": [claim], "term:curve": [claim], "detects:curve": [claim],
        "inhibited-by:curve": [], "checkpoint:toy kind:description": ["Other", claim],
        "layer:mixed_5x5": [joined, claim],
        "layer:edges kind:description": ["Other"], "neuron:mixed:9": [joined, claim],
        "neuron:mixed_5x5:1": [joined, claim],
        "neuron:toy/mixed:9 -kind:link": [claim], "author:ana kind:description": ["Other", claim],
        "reviewer:bo": [claim], "reviewer:cleo": [], "team:lab kind:link": [joined], "confidence:5": ["Other"],
        "confidence:<5 kind:description": [claim], "confidence:2..3 -kind:link": [claim],
        f"accession:{argued.accession.lower()}": [claim], argued.accession: [claim],
        "created:>=2020 kind:link": [joined],
        "created:<2020": [], "updated:2001..2002": [], "flag:unsupported": [], "flag:stale-reviews": [],
        "mixed:9": [joined, claim], "distill": [], "zoom": [joined], "kind:link OR confidence:5": [joined, "Other"],
    }.items():  # fmt: skip
        assert sorted(found(query)) == sorted(titles), query


@pytest.mark.parametrize(
    ("query", "at", "meant"),
    [
        ("term:curv", 5, "curve"),
        ("x -detects:curv", 11, "curve"),
        ("checkpoint:to", 11, "toy"),
        ("layer:mixd", 6, "mixed"),
        ("neuron:mixd:3", 7, "mixed"),
        ("upstream(mixd:3)", 9, "mixed"),
        ("author:anna", 7, "ana"),
        ("team:laab", 5, "lab"),
    ],
)
def test_a_name_that_is_none_is_refused_with_the_closest(argued, query, at, meant):
    with pytest.raises(MalformedQuery) as refused:
        search.find(query, actor=None, limit=5)
    assert (refused.value.facts["position"], refused.value.facts["did_you_mean"][0]) == (at, meant)


def test_a_term_is_found_by_all_its_names_as_they_are_now(describe, ana, curator):
    bend = terms.create(actor=ana, slug="bend", label="bend")
    arc = terms.create(actor=ana, slug="arc", label="arc")
    describe(title="One", terms=[{"term": "bend", "polarity": "detects"}])
    describe(title="Two", terms=[{"term": "arc", "polarity": "detects"}])
    terms.rename(
        actor=curator, term=bend, based_on=bend.version_tag, label="Krümmung", definition="", synonyms=["hair pin"]
    )
    bend.refresh_from_db()
    for query in ("krummung", '"hair pin"', "term:krümmung", 'term:"hair pin"', "bend", "hair"):
        assert found(query) == ["One"], query
    assert found('"pin hair"') == []
    terms.merge(actor=curator, term=bend, into=arc)
    for query in ("arc", "krummung", "term:bend", "detects:arc"):
        assert found(query) == ["Two", "One"], query


def test_somebody_is_found_by_name_until_they_are_erased(describe, ana):
    people.introduce(user=ana.login, citation_name="Ána Rivéra", orcid="")
    describe(title="One")
    assert found("rivera") == found("ana") == found('"ana rivera"') == ["One"]
    assert [place.url for place in search.find("rivera", actor=None, limit=5).dossier.places] == ["/u/ana"]
    people.erase(actor=None, user=ana.login)
    assert found("rivera") == found("ana") == []
    assert search.find("rivera", actor=None, limit=5).dossier.places == []


# --- operators --------------------------------------------------------------------------------------------------------
def test_operators_follow_what_people_claimed(describe, ana, bo, cy, lab, checkpoint, curator):
    rests_on = {"reference": {"title": "Zoom In", "url": "https://distill.pub"}}
    for source, relation, confidence in ((1, "excites", 2), (2, "inhibits", 5), (3, "duplicate", 5), (0, "excites", 1)):
        content = {"source": f"edges:{source}", "target": "mixed:9", "relation": relation, "confidence": confidence,
                   "rests_on": rests_on}  # fmt: skip
        made = footholds.create(actor=ana, kind="link", checkpoint=checkpoint, team=lab, content=content)
        if source == 1:
            for reviewer in (bo, cy):
                reviews.review(actor=reviewer, foothold=made, version=1, verdict="agree")
        if source == 0:
            footholds.retract(actor=curator, foothold=made, reason="Wrong.")
    for unit in ("edges:0", "edges:1", "edges:2", "edges:3", "mixed:9"):
        describe(title=f"About {unit}", neuron=unit)
    result = search.find("upstream(mixed:9)", actor=None, limit=50).dossier
    assert [hit.foothold.title for hit in result.items] == ["About edges:2", "About edges:1"]
    assert "2 neurons are named by links that people claimed: edges:1, edges:2." in result.notes[0]
    assert found("upstream(mixed_5x5:1, top=1)") == ["About edges:1"]  # what is accepted is surer
    assert found("downstream(edges:2)") == ["About mixed:9"]
    assert found("about -upstream(mixed:9) -edges:3") == ["About mixed:9", "About edges:0"]


def test_operators_follow_what_was_measured_behind_what_is_claimed(describe, ana, lab, checkpoint, measure):
    rests_on = {"reference": {"title": "Zoom In", "url": "https://distill.pub"}}
    content = {"source": "edges:1", "target": "mixed:9", "relation": "excites", "rests_on": rests_on}
    footholds.create(actor=ana, kind="link", checkpoint=checkpoint, team=lab, content=content)
    edges = [
        Measured(f"edges:{channel}", "mixed:9", "expanded", norm=channel, sign="+", share=0.1) for channel in (1, 2, 3)
    ]
    other = Measured("edges:0", "mixed:9", "best-case", norm=9, sign="+", share=0.1)
    measure(checkpoint, ana, "mixed:9", *edges, other)
    for unit in ("edges:0", "edges:1", "edges:2", "edges:3"):
        describe(title=f"About {unit}", neuron=unit)
    result = search.find("upstream(mixed:9)", actor=None, limit=50).dossier
    assert {hit.foothold.title for hit in result.items} == {"About edges:1", "About edges:2", "About edges:3"}
    [note] = result.notes
    assert "1 neurons are named by links that people claimed: edges:1." in note
    assert "2 more are measured, the strongest first: edges:3, edges:2." in note
    assert found("upstream(mixed:9, top=1)") == ["About edges:1"]
    assert set(found("upstream(mixed:9, top=2)")) == {"About edges:1", "About edges:3"}
    assert found("downstream(edges:0)") == []


def test_alike_is_who_shares_terms(describe, ana):
    for slug in ("curve", "fur", "dog"):
        terms.create(actor=ana, slug=slug, label=slug)
    using = {
        "mixed:0": "curve fur",
        "mixed:1": "curve fur dog",
        "mixed:2": "curve fur",
        "mixed:3": "dog",
        "mixed:4": "",
    }
    for unit, slugs in using.items():
        described = [{"term": slug, "polarity": "detects"} for slug in slugs.split()]
        describe(title=unit, neuron=unit, terms=described)
    notes = search.find("similar(mixed:0)", actor=None, limit=50).dossier.notes
    assert "2 neurons share terms with it: mixed:2, mixed:1." in notes[0]
    assert found("similar(mixed:0, top=1)") == ["mixed:2"]
    assert found("similar(mixed:4)") == []


# --- what nobody is told ----------------------------------------------------------------------------------------------
def test_what_somebody_may_not_read_is_not_found_nor_hinted_at(describe, ana, bob, lab, operator, register, curator):
    secret = register("hush", "b")
    type(secret).objects.filter(pk=secret.pk).update(team=lab, visibility="team")
    secret.refresh_from_db()
    content = {"neuron": "edges:1", "title": "Zebrafish stripes"}
    hers = footholds.create(actor=ana, kind="description", checkpoint=secret, team=lab, content=content)
    gone = describe(title="Xylophone")
    footholds.moderate(actor=operator, foothold=gone, to="spam", reason="An advertisement.")
    assert found("zebrafish", ana) == ["Zebrafish stripes"]
    for reader in (None, bob):
        for query in ("zebrafish", "zebra*", "zebrafisch", "xylophone", "xylofone", hers.accession, "checkpoint:toy",
                      "mixed:9", hers.accession[:-1] + "0", "hush", gone.accession):  # fmt: skip
            result = search.find(query, actor=reader, limit=50).dossier
            told = [result.items, result.did_you_mean]
            assert told == [[], []], query
            assert {place.url for place in result.places} <= {"/c/toy/mixed/9"}
        for query in ("checkpoint:hush", "checkpoint:hus", "team:lab", "upstream(hush/edges:1)"):
            with pytest.raises(MalformedQuery) as refused:
                search.find(query, actor=reader, limit=50)
            assert refused.value.facts["did_you_mean"] == []
    assert search.find("zebrafisch", actor=ana, limit=5).dossier.did_you_mean == ["zebrafish"]


def test_a_blind_review_cannot_be_searched(claim, describe, bo, cy, ana, lab):
    describe(title="Another curve")
    Team.objects.filter(pk=lab.pk).update(blind_review=True)
    queries = ("state:disputed", "state:proposed", "-state:proposed", "has:review", "-has:review", "reviewer:bo",
               "curve",
               "has:review OR state:disputed")  # fmt: skip

    def told(actor):
        return [pages(query, actor, 50) for query in queries]

    before = {actor: told(actor) for actor in (None, cy)}
    reviews.review(actor=bo, foothold=claim, version=1, **DISPUTE)
    assert {actor: told(actor) for actor in (None, cy)} == before
    for actor in (bo, ana):
        assert (
            found("state:disputed", actor) == found("has:review", actor) == found("reviewer:bo", actor) == ["A curve"]
        )


# --- how it is kept ---------------------------------------------------------------------------------------------------
def contents():
    """The index, as the database has it."""
    text = "title::text, words::text" if connection.vendor == "postgresql" else "title, words"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT foothold_id, version, place, {text}, method FROM atlas_indexentry ORDER BY foothold_id")
        return cursor.fetchall()


def test_made_anew_it_is_what_it_was(argued, library, ana, capsys):
    revise(library[0], ana, title="Something else")
    before = contents()
    assert health.search().ok
    IndexEntry.objects.filter(foothold__in=[row.pk for row in library[:4]]).delete()
    assert health.search().found == "4 footholds cannot be found"
    assert found('"something else"') == []
    call_command("reindex", missing=True)
    assert contents() == before
    call_command("reindex")
    assert contents() == before
    assert found('"something else"') == ["Something else"]
    assert capsys.readouterr().out == f"4 footholds indexed\n{len(before)} footholds indexed\n"


def test_nothing_found_says_why_and_what_is_near(library):
    result = search.find("curv whel", actor=None, limit=5).dossier
    assert {"curve", "wheel"} <= set(result.did_you_mean)
    assert result.why_empty == ["Nothing that you may read has curv.", "Nothing that you may read has whel."]
    both = search.find("state:withdrawn rank:preferred", actor=None, limit=5).dossier
    assert both.why_empty == ["Each part finds something, but nothing has all of them."]


def test_a_collection_keeps_a_query_that_can_be_read(library, ana, lab, checkpoint):
    def kept(query):
        content = {"title": "Curves", "query": query}
        return footholds.create(actor=ana, kind="collection", checkpoint=checkpoint, team=lab, content=content)

    with pytest.raises(Validation) as refused:
        kept("curve (")
    assert refused.value.errors[0]["pointer"] == "/content/query"
    assert "never closed" in refused.value.errors[0]["detail"]
    collection = kept("wheel -kind:collection")
    listed = search.kept_by(collection, actor=None, limit=50).dossier.items
    assert listed == search.find("wheel -kind:collection", actor=None, limit=50).dossier.items != []


def test_an_accession_is_found_one_slip_away(claim):
    [wrong] = [one for one in (claim.accession[:3] + x + claim.accession[4:] for x in "ZY") if one != claim.accession][
        :1
    ]
    assert not accessions.is_valid(wrong)
    places = search.find(wrong, actor=None, limit=5).dossier.places
    assert claim.accession in [place.name for place in places]


def test_a_reader_of_the_team_finds_what_is_the_teams(describe, lab, bob):
    mine = describe(title="Ours alone")
    Foothold.objects.filter(pk=mine.pk).update(visibility="team")
    assert found("alone", bob) == []
    Membership.objects.create(team=lab, contributor=bob, role=Role.READER)
    assert found("alone", bob) == ["Ours alone"]
