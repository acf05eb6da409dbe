"""From what was found to what is claimed: a finding as evidence in one form, a measured connection as a link."""

import pytest

from atlas.dossiers.subjects import subjects
from atlas.errors import Validation
from atlas.models import Foothold
from atlas.services import evidence, footholds, terms
from atlas.web.claiming import claim_of
from tests.atlas.web.reading import Page, at_the_desk, faults, read, shown

pytestmark = pytest.mark.django_db


def offered(page) -> set[str]:
    """The claims that can be chosen."""
    return {one["value"] for one in page.all("input") if one["name"] == "claim"}


def test_a_finding_is_used_for_a_claim_of_its_neuron_and_taken_back(claim, describe, answered, ana):
    job, desk = answered("mixed:9"), at_the_desk(ana)
    other, ended = describe(neuron="mixed:1"), describe(title="Wrong")
    footholds.withdraw(actor=ana, foothold=ended)
    assert f"/j/{job.fingerprint}/evidence" in {one["href"] for one in read(desk, "/c/toy/mixed/9").all("a")}
    page = read(desk, f"/j/{job.fingerprint}/evidence")
    assert (faults(page), offered(page)) == ([], {claim.accession})
    given = {"claim": claim.accession, "role": "contradicts", "facet": "purity", "interpretation": "See seed 3."}
    answer = desk.post(f"/j/{job.fingerprint}/evidence", given, follow=True)
    said = claim.support.get()
    assert (said.role, said.facet, answer.redirect_chain) == (
        "contradicts", "purity", [(f"/f/{claim.accession}#evidence", 302)],
    )  # fmt: skip
    assert "Undo" in shown(answer).text
    assert desk.post(f"/j/{job.fingerprint}/evidence", {**given, "claim": other.accession}).status_code == 422


def test_it_comes_as_a_part_where_a_script_asks_and_not_to_who_is_nobody(claim, answered, ana, client):
    address = f"/j/{answered('mixed:9').fingerprint}/evidence"
    part = at_the_desk(ana).get(address, headers={"hx-request": "true"}).content.decode()
    assert part.startswith("<form")
    assert client.get(address)["Location"].startswith("/accounts/login")
    assert client.get(address, headers={"hx-request": "true"}).status_code == 401  # no form to sign in within a part
    assert "Use it as evidence" not in read(client, "/c/toy/mixed/9").text


def test_a_new_claim_is_written_on_it(answered, ana, checkpoint):
    job, desk = answered("mixed:9"), at_the_desk(ana)
    address = next(
        one["href"]
        for one in read(desk, f"/j/{job.fingerprint}/evidence").all("a")
        if one["href"].startswith("/f/new?")
    )
    assert job.fingerprint[:12] in read(desk, address).text
    typed = {"content.neuron": "mixed:9", "content.title": "A bow", "team": "lab", "checkpoint": "toy"}
    assert desk.post(address, {**typed, "kind": "description", "team": "x"}).status_code == 422
    assert not Foothold.objects.exists()
    assert desk.post(address, {**typed, "kind": "description"}).status_code == 302
    made = Foothold.objects.get(kind="description")
    assert [it.evidence.title for it in made.support.all()] == ["feature visualization"]


def test_a_claim_on_a_finding_that_is_none_is_not_made(ana, lab, checkpoint):
    """All of it, or nothing."""
    about = {"kind": "description", "team": lab, "content": {"neuron": "mixed:9", "title": "A bow"}}
    with pytest.raises(Validation):
        evidence.begin(actor=ana, job="0" * 64, checkpoint=checkpoint, **about)
    assert not Foothold.objects.exists()


def test_a_connection_fills_in_the_link_that_it_suggests(ana, checkpoint, answered):
    class Strand:
        numbers = {"source": "edges:1", "target": "mixed:9", "sign": "-"}

    class Job:
        checkpoint, fingerprint = "toy", answered("mixed:9").fingerprint

    page = read(at_the_desk(ana), claim_of(Strand, Job))
    assert faults(page) == []
    assert {one["name"]: one["value"] for one in page.all("input")}.items() >= {
        "content.source": "edges:1", "content.target": "mixed:9", "content.rests_on.finding": Job.fingerprint,
    }.items()  # fmt: skip
    chosen = {one["value"] for one in page.all("option") if "selected" in one.attributes}
    assert chosen >= {"inhibits", "-"}
    assert "mixed:9" in page.text
    assert len([one for one in page.all("img") if "mixed:9" in one["alt"]]) == 6  # beside what is written


def test_while_one_writes_the_markdown_is_shown_by_the_one_sanitizer(ana, checkpoint, settings):
    desk, hostile = at_the_desk(ana), "*a* <img src=x onerror=alert(1)> [x](javascript:alert(1))"
    answer = desk.post("/f/preview", {"of": "content.body", "content.body": hostile})
    shown_as = answer.content.decode()
    assert "<em>a</em>" in shown_as
    assert "<img" not in shown_as
    assert "href" not in shown_as
    assert "too long" in desk.post("/f/preview", {"of": "body", "body": "x" * 20_001}).content.decode()
    settings.RATES = {**settings.RATES, "search": 1}
    assert desk.post("/f/preview", {"of": "body", "body": "x"}, headers={"accept": "text/html"}).status_code == 429


def test_words_are_suggested_by_name_and_by_what_else_they_are_called(ana):
    terms.create(actor=ana, slug="excurse", label="excurse")
    terms.create(actor=ana, slug="curve", label="Curve", synonyms=["bent line"])
    desk = at_the_desk(ana)

    def found(word: str) -> list[str]:
        return [one["value"] for one in shown_part(desk.get("/f/suggest", {"word": word}))]

    assert found("cur") == ["curve", "excurse"]
    assert found("BENT") == ["curve"]
    assert found("") == found("\x00") == found("nothing") == []


def shown_part(answer):
    """The options in a part of a page."""
    return Page(f"<body>{answer.content.decode()}</body>").all("option")


def test_what_is_written_about_costs_few_queries(answered, ana, django_assert_max_num_queries, checkpoint):
    for unit, steps in (("mixed:9", 3), ("edges:1", 3), ("edges:1", 4)):
        answered(unit, steps=steps)
    counted = []
    for units in (["mixed:9"], ["mixed:9", "edges:1"], ["mixed:9", "nowhere:1"]):
        with django_assert_max_num_queries(6):
            counted.append([one.unit for one in subjects(checkpoint, units, actor=ana)])
    assert counted == [["mixed:9"], ["mixed:9", "edges:1"], ["mixed:9"]]
