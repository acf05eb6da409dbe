"""Claims as pages: whole, in few queries, words as words, and cited the same for ever."""

import json
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from atlas.models import Foothold
from atlas.services import evidence, footholds, people, terms
from tests.atlas.web.reading import at_the_desk, faults, read, shown
from tests.claims import WORD, revise

pytestmark = pytest.mark.django_db
HOSTILE = '<script>alert("x")</script>"\'><img src=x onerror=alert(1)>{{ 7|add:"1" }}'


@pytest.fixture
def curve(ana):
    return terms.create(actor=ana, slug="curve", label="curve")


@pytest.fixture
def every_page(argued, describe, ana, lab, checkpoint):
    """Addresses of claims of every kind, in every shape of page."""
    toward = {"source": "edges:1", "target": "mixed:9", "relation": "builds-from", "sign": "+"}
    link = footholds.create(
        actor=ana, kind="link", checkpoint=checkpoint, team=lab,
        content={**toward, "rests_on": {"reference": {"title": "Zoom In", "doi": "10.23915/distill.00024.001"}}},
    )  # fmt: skip
    said = {"narrative": "*So* it goes.", "conclusion": "Yes."}
    nodes, edges = (
        [{"unit": "edges:1"}, {"unit": "mixed:9", "label": "curve"}],
        [{"source": "edges:1", "target": "mixed:9", "link": link.accession}],
    )
    circuit = footholds.create(
        actor=ana, kind="circuit", checkpoint=checkpoint, team=lab,
        content={"title": "A circuit", "nodes": nodes, "edges": edges, **said},
    )  # fmt: skip
    items = [{"unit": "mixed:9", "note": "first"}, {"foothold": argued.accession, "version": 1}]
    collection = footholds.create(
        actor=ana, kind="collection", checkpoint=checkpoint, team=lab,
        content={"title": "A family", "form": "family", "items": items},
    )  # fmt: skip
    spoken = argued.support.get().evidence
    described = f"/f/{argued.accession}"
    pages = [f"/f/{it.accession}" for it in (argued, link, circuit, collection, spoken)]
    more = [f"{described}/v1", f"{described}/v2", f"{described}/history", f"{described}/diff/1..2"]
    return [*pages, *more, "/f", "/f?kind=link&state=proposed", "/t", "/t/curve", "/c/toy/mixed/9"]


class TestReading:
    def test_a_tile_says_once_which_neuron_it_shows(self, client, claim, asked, answer_jobs):
        """And its picture has words of its own."""
        answer_jobs(asked("mixed:9"))
        page = read(client, f"/f/{claim.accession}")
        [tile] = [one for one in page.all("a") if one["class"] == "tile"]
        [picture] = [one for one in page.all("img") if one["src"].startswith("/a/")]
        assert (tile.text.split(), picture["alt"]) == (
            ["mixed:9"], "A picture optimised so that it concerns this neuron.",
        )  # fmt: skip
        assert [one.text.strip() for one in page.all("li") if "tile" in one.text or "mixed:9" in one.text] == [
            "mixed:9"
        ]

    def test_what_a_claim_names_is_called_by_its_title(self, every_page, client, describe, argued):
        """And by its accession, where it is not theirs to read."""
        collection = every_page[3]
        family = Foothold.objects.get(title="A family")
        member = describe(title="One of them", claims={"family": family.accession})
        pages = (f"/f/{member.accession}", f"/f/{member.accession}/v1", collection)
        named = ((family, "A family"), (family, "A family"), (argued, "A curve, version 1"))
        for address, (row, title) in zip(pages, named, strict=True):
            texts = {
                one.text for one in read(client, address).all("a") if one["href"].startswith(f"/f/{row.accession}")
            }
            assert title in texts, address
        Foothold.objects.filter(pk=family.pk).update(visibility="team")
        assert f">{family.accession}</a>" in read(client, pages[0]).html

    def test_every_page_is_whole_for_everybody(self, every_page, client, ana, bo, curator, operator):
        forms = [f"{every_page[0]}/edit", "/f/new?kind=description&checkpoint=toy&neuron=mixed:9"]
        forms += [f"/f/new?kind={kind}&checkpoint=toy" for kind in ("link", "circuit", "collection")]
        found = {address: faults(read(client, address)) for address in every_page}
        for person in (ana, bo, curator, operator):
            desk = at_the_desk(person)
            more = [*every_page, *(forms if person == ana else [])]
            found |= {f"{address} as {person}": faults(read(desk, address)) for address in more}
        assert {address: wrong for address, wrong in found.items() if wrong} == {}

    def test_a_page_takes_as_many_queries_however_much_there_is(self, every_page, argued, client, ana, lab, describe):
        def counted() -> dict[str, int]:
            numbers = {}
            for address in every_page:
                read(client, address)  # who wrote a version is found once
                with CaptureQueriesContext(connection) as queries:
                    read(client, address)
                numbers[address] = len(queries)
            return numbers

        before = counted()
        for number in range(3):
            evidence.give(actor=ana, claim=argued, team=lab, content={**WORD, "interpretation": f"Again, {number}."})
            revise(argued, ana, body=f"Text {number}.")
            describe(title=f"Another {number}", terms=[{"term": "curve", "polarity": "detects"}])
        assert counted() == before

    def test_words_are_words_only(self, client, describe, ana, lab, checkpoint):
        claim = describe(title=HOSTILE[:100], body=HOSTILE, parameters=[{"name": "<b>", "value": 1, "unit": "<i>"}])
        content = {"method": "AU", "interpretation": HOSTILE, "parameters": {"items": 5, HOSTILE[:50]: HOSTILE}}
        spoken = evidence.give(actor=ana, claim=claim, team=lab, content=content, note="<u>")
        revise(claim, ana, body="Other words.")
        for address in (f"/f/{claim.accession}", f"/f/{spoken.accession}", f"/f/{claim.accession}/diff/1..2", "/f"):
            page = read(client, address)
            assert faults(page) == []
            for mark in ("<script>alert", "<img src=x", "<b>", "<i>", "<u>"):
                assert mark not in page.html.partition("<main")[2], address

    def test_a_merged_claim_leads_to_what_says_it_and_its_versions_stay(self, client, claim, describe, curator):
        other = describe(title="The same")
        footholds.merge(actor=curator, foothold=claim, into=other, reason="The same.")
        answer = client.get(f"/f/{claim.accession}.json")
        assert (answer.status_code, answer["Location"]) == (308, f"/f/{other.accession}.json")
        assert "has been merged since" in read(client, f"/f/{claim.accession}/v1").text

    def test_one_that_was_merged_into_what_not_everybody_reads_stays_for_who_does_not(
        self, client, claim, describe, curator, operator
    ):
        other = describe(title="The same")
        footholds.merge(actor=curator, foothold=claim, into=other, reason="It says so, too.")
        footholds.moderate(actor=operator, foothold=other, to="hidden", reason="Spam.")
        page = read(client, f"/f/{claim.accession}")
        assert "This was merged: It says so, too." in page.text
        for address in (f"/f/{claim.accession}", f"/f/{claim.accession}.json", f"/api/v1/footholds/{claim.accession}"):
            assert other.accession not in client.get(address).content.decode()
        assert at_the_desk(curator).get(f"/f/{claim.accession}")["Location"] == f"/f/{other.accession}"

    def test_a_slip_of_the_pen_and_another_spelling(self, client, claim):
        lower = claim.accession.lower()
        assert client.get(f"/f/{lower}")["Location"] == f"/f/{claim.accession}"
        assert client.get(f"/f/{lower}/v1.bib")["Location"] == f"/f/{claim.accession}/v1.bib"
        assert client.get(f"/f/{claim.accession}/v2").status_code == 404
        assert client.get(f"/f/{claim.accession}/diff/1..x").status_code == 404

    def test_what_was_withdrawn_says_so(self, client, claim, ana):
        footholds.withdraw(actor=ana, foothold=claim, reason="I was wrong.")
        assert "This was withdrawn: I was wrong." in read(client, f"/f/{claim.accession}").text

    def test_a_collection_that_keeps_a_query_shows_what_it_finds_today(
        self, client, claim, describe, ana, lab, checkpoint
    ):
        content = {"title": "All that bends", "query": "curve kind:description"}
        kept = footholds.create(actor=ana, kind="collection", checkpoint=checkpoint, team=lab, content=content)
        page = f"/f/{kept.accession}"
        assert claim.accession in read(client, page).text
        later = describe(title="Another curve")
        assert later.accession in read(client, page).text
        assert later.accession not in read(client, f"{page}/v1").text

    def test_a_difference_is_word_by_word(self, client, claim, ana):
        revise(claim, ana, title="A short curve")
        page = read(client, f"/f/{claim.accession}/diff/1..2")
        assert [one.text.strip() for one in page.all("ins")] == ["added", "short"]
        assert json.loads(
            client.get(f"/f/{claim.accession}/diff/1..2", headers={"accept": "application/json"}).content
        )["fields"][0]["runs"][1] == {"change": "added", "text": "short "}

    @pytest.mark.parametrize(("form", "media_type"), [(".dot", "text/vnd.graphviz"), (".json", "application/json")])
    def test_a_version_is_a_graph_too(self, client, claim, form, media_type):
        answer = client.get(f"/f/{claim.accession}/v1/graph{form}")
        assert answer["Content-Type"].partition(";")[0] == media_type
        assert "mixed:9" in answer.content.decode()
        assert client.get(f"/f/{claim.accession}/v1/graph.xyz").status_code == 406


class TestCiting:
    def test_a_version_is_cited_the_same_for_ever(self, client, claim, describe, ana, bo, curator, curve):
        revise(claim, ana, body="Words of hers.", terms=[{"term": "curve", "polarity": "detects"}])
        address = f"/f/{claim.accession}/v1"
        suffixes = (".bib", ".csl.json", ".ris", ".txt", ".jsonld", ".json")
        before = {suffix: client.get(address + suffix).content for suffix in suffixes}
        people.introduce(ana.login, citation_name="Ana Renamed", orcid="")
        revise(claim, ana, title="All new")
        terms.rename(actor=curator, term=curve, based_on="curve.1", label="bow", definition="", synonyms=[])
        footholds.merge(actor=curator, foothold=claim, into=describe(title="Other"), reason="The same.")
        assert {suffix: client.get(address + suffix).content for suffix in suffixes} == before

    def test_versions_are_compared_once_and_not_for_every_reader(
        self, client, claim, ana, django_assert_max_num_queries
    ):
        revise(claim, ana, title="Another")
        first = client.get(f"/f/{claim.accession}/v2.json").content
        with django_assert_max_num_queries(30) as asked:
            assert client.get(f"/f/{claim.accession}/v2.json").content == first
        read = [it["sql"] for it in asked.captured_queries if '"atlas_revision"."content",' in it["sql"]]
        assert len(read) == 1  # of the version that is shown

    def test_the_authors_are_whose_words_survive(self, client, claim, ana, bo, lab):
        content = footholds.revision(claim, 1).content
        long = {**content, "title": "Quite another one", "body": "A good many more words than there were before."}
        footholds.revise(actor=bo, foothold=claim, content=long, based_on=1)
        authors = client.get(f"/f/{claim.accession}/v2.json").json()["authors"]
        assert [one["handle"] for one in authors] == ["bo", "ana"]
        text = client.get(f"/f/{claim.accession}.bib").content.decode()
        assert "{bo} and {ana}" in text
        assert f"/f/{claim.accession}/v2" in text

    def test_what_somebody_signed_is_a_pseudonyms_once_they_are_erased(self, client, claim, ana):
        people.introduce(ana.login, citation_name="Ana Of Old", orcid="")
        revise(claim, ana, title="Another")
        people.introduce(ana.login, citation_name="Ana Newer", orcid="")
        revise(claim, ana, title="A third")
        assert "Old, Ana Of" in client.get(f"/f/{claim.accession}/v2.bib").content.decode()
        people.erase(actor=None, user=ana.login)
        for version in (1, 2, 3):
            text = client.get(f"/f/{claim.accession}/v{version}.bib").content.decode()
            assert "Ana" not in text
            assert "Former contributor" in text

    def test_signposts_say_the_same_in_header_and_page(self, client, claim):
        answer = client.get(f"/f/{claim.accession}/v1")
        said = {(one["rel"], one["href"]) for one in shown(answer).all("link")}
        header = re.findall(r'<([^>]*)>; rel="([^"]*)"', answer["Link"])
        assert {(rel, href) for href, rel in header} <= said
        rels = {rel for _, rel in header}
        assert rels >= {
            "cite-as",
            "describedby",
            "author",
            "license",
            "type",
            "collection",
            "version-history",
            "latest-version",
        }
