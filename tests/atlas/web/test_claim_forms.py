"""Claims written and argued about by forms alone: nothing that was typed is lost, every refusal says why."""

import re
from itertools import takewhile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from atlas.models import Foothold, Review, Term, UnsavedText
from atlas.services import evidence, footholds, terms, unsaved
from tests.atlas.web.conftest import png
from tests.atlas.web.reading import at_the_desk, faults, read, shown
from tests.claims import DISPUTE, RATIONALE, WORD, revise

pytestmark = pytest.mark.django_db


def fields(page) -> dict[str, str]:
    """What stands in the fields of the page's claim form."""
    named = {one["name"]: one["value"] for one in page.all("input") if one["name"].startswith("content.")}
    named |= {one["name"]: one.text.removeprefix("\n") for one in page.all("textarea")}
    selects = re.findall(r'<select id="[^"]*" name="([^"]*)".*?</select>', page.html, flags=re.DOTALL)
    chosen = re.findall(r'<select id="[^"]*" name="[^"]*".*?</select>', page.html, flags=re.DOTALL)
    return named | {
        name: (re.findall(r'value="([^"]*)" selected', body) or [""])[0]
        for name, body in zip(selects, chosen, strict=True)
        if name.startswith("content.")
    }


def alerts(page) -> str:
    """What a page says is wrong with all of it."""
    return " ".join(one.text for one in page.all("p", "div") if one["role"] == "alert")


def undo(page) -> dict[str, str]:
    """What the button of the notice posts."""
    [form] = [one for one in page.all("form") if "undo" in one["class"]]
    inside = page.elements[page.elements.index(form) :]
    hidden = takewhile(lambda one: one.tag == "input", inside[1:])
    return {one["name"]: one["value"] for one in hidden if one["name"] != "csrfmiddlewaretoken"}


@pytest.fixture
def curve(ana):
    return terms.create(actor=ana, slug="curve", label="curve")


class TestWriting:
    def test_a_description(self, ana, checkpoint, curve):
        desk = at_the_desk(ana)
        address = "/f/new?kind=description&checkpoint=toy&neuron=mixed:9"
        typed = fields(read(desk, address))
        assert typed["content.neuron"] == "mixed:9"
        assert typed["content.confidence"] == "3"
        typed |= {"content.title": "A curve", "content.terms": "curve | detects", "content.claims.purity": "claimed"}
        answer = desk.post(address, {**typed, "kind": "description", "checkpoint": "toy", "team": "lab", "draft": "on"})
        made = Foothold.objects.get()
        assert (answer.status_code, answer["Location"]) == (302, f"/f/{made.accession}")
        assert (made.team.slug, made.state, made.visibility) == ("lab", "draft", "public")
        content = footholds.revision(made, 1).content
        assert content["terms"] == [{"polarity": "detects", "term": "curve"}]
        assert content["claims"] == {"purity": "claimed"}

    def test_what_is_wrong_comes_back_as_it_was_typed(self, ana, checkpoint):
        desk = at_the_desk(ana)
        typed = {
            "content.neuron": "mixed:99",
            "content.title": "",
            "content.terms": "curve | sees\nx",
            "content.body": "é",
        }
        answer = desk.post(
            "/f/new?kind=description&checkpoint=toy",
            {**typed, "kind": "description", "checkpoint": "toy", "team": "lab"},
        )
        page = shown(answer)
        assert answer.status_code == 422
        assert fields(page).items() >= typed.items()
        said = {one["name"] for one in page.all("input", "textarea") if one["aria-invalid"]}
        assert said == {"content.title", "content.terms"}
        assert not Foothold.objects.exists()

    def test_an_edit_shows_what_is_there_and_changes_only_what_was_changed(self, claim, ana, curve):
        revise(claim, ana, body="One.\n\nTwo.", terms=[{"term": "curve", "polarity": "detects"}])
        desk = at_the_desk(ana)
        address = f"/f/{claim.accession}/edit"
        typed = fields(read(desk, address))
        same = desk.post(address, {**typed, "based_on": 2})
        assert same.status_code == 422
        assert "This is what it says already." in shown(same).text
        desk.post(address, {**typed, "content.title": "Another", "based_on": 2, "summary": "Shorter."})
        before, after = (footholds.revision(claim, version) for version in (2, 3))
        assert after.content == {**before.content, "title": "Another"}
        assert after.summary == "Shorter."

    def test_what_has_ended_has_no_form(self, claim, ana):
        footholds.withdraw(actor=ana, foothold=claim)
        assert at_the_desk(ana).get(f"/f/{claim.accession}/edit").status_code == 409

    def test_the_subject_of_a_claim_stays(self, claim, ana):
        address = f"/f/{claim.accession}/edit"
        desk = at_the_desk(ana)
        typed = fields(read(desk, address)) | {"content.neuron": "mixed:1", "content.title": "Another"}
        assert desk.post(address, {**typed, "based_on": 1}).status_code == 302
        assert footholds.revision(claim, 2).content["neuron"] == "mixed:9"

    def test_who_comes_second_finds_both_texts_and_saves_their_merge(self, claim, ana):
        desk = at_the_desk(ana)
        address = f"/f/{claim.accession}/edit"
        typed = fields(read(desk, address)) | {"content.body": "Mine."}
        revise(claim, ana, title="Theirs")
        answer = desk.post(address, {**typed, "based_on": 1})
        page = shown(answer)
        assert answer.status_code == 412
        assert faults(page) == []
        merged = fields(page)
        assert (merged["content.title"], merged["content.body"]) == ("Theirs", "Mine.")
        assert UnsavedText.objects.get().content["typed"]["body"] == "Mine."
        assert desk.post(address, {**merged, "based_on": 2}).status_code == 302
        assert footholds.revision(claim, 3).content.items() >= {"title": "Theirs", "body": "Mine."}.items()
        assert not UnsavedText.objects.exists()

    def test_of_one_field_changed_twice_mine_stands_in_the_form(self, claim, ana):
        desk = at_the_desk(ana)
        address = f"/f/{claim.accession}/edit"
        typed = fields(read(desk, address)) | {"content.title": "Mine"}
        revise(claim, ana, title="Theirs")
        page = shown(desk.post(address, {**typed, "based_on": 1}))
        assert fields(page)["content.title"] == "Mine"
        assert "Both of you changed title" in page.text
        assert [one.text for one in page.all("ins")][:2] == ["Mine", "Theirs"]

    def test_of_each_field_one_chooses_whose_text_stands(self, claim, ana):
        """Both changed title and body, they alone the confidence: mine, theirs, and theirs without being asked."""
        desk, address = at_the_desk(ana), f"/f/{claim.accession}/edit"
        typed = fields(read(desk, address)) | {"content.title": "Mine", "content.body": "My body."}
        revise(claim, ana, title="Theirs", body="Their body.", confidence=5)
        page = shown(desk.post(address, {**typed, "based_on": 1}))
        assert faults(page) == []
        choices = {one["name"] for one in page.all("input") if one["type"] == "radio"}
        assert choices == {"take.title", "take.body"}
        took = {"take.title": "mine", "take.body": "theirs", "based_on": 2}
        assert desk.post(address, {**fields(page), **took}).status_code == 302
        said = footholds.revision(claim, 3).content
        assert (said["title"], said["body"], said["confidence"]) == ("Mine", "Their body.", 5)

    def test_what_was_kept_on_an_older_version_overwrites_no_newer_one(self, claim, ana):
        desk, address = at_the_desk(ana), f"/f/{claim.accession}/edit"
        typed = fields(read(desk, address)) | {"content.title": "Mine", "summary": "Shorter."}
        desk.post(address, {**typed, "based_on": 1, "keep": "1"})
        revise(claim, ana, body="Theirs.")
        page = read(desk, address)
        [based_on] = [one["value"] for one in page.all("input") if one["name"] == "based_on"]
        [summary] = [one["value"] for one in page.all("input") if one["name"] == "summary"]
        assert (based_on, summary) == ("1", "Shorter.")
        merged = shown(desk.post(address, {**fields(page), "based_on": based_on}))
        assert fields(merged).items() >= {"content.title": "Mine", "content.body": "Theirs."}.items()

    def test_a_saved_version_is_undone_with_one_button(self, claim, ana):
        desk, address = at_the_desk(ana), f"/f/{claim.accession}/edit"
        typed = fields(read(desk, address)) | {"content.title": "A mistake"}
        page = shown(desk.post(address, {**typed, "based_on": 1}, follow=True))
        assert "Version 2 is saved. Undo" in page.text
        desk.post(f"/f/{claim.accession}/restore", undo(page))
        assert footholds.revision(claim, 3).content["title"] == "A curve"

    def test_it_is_looked_over_without_being_saved(self, ana, checkpoint):
        """What a rule forbids, and what a rule remarks, beside the field and by its number; the Markdown as read."""
        desk, address = at_the_desk(ana), "/f/new?kind=link&checkpoint=toy"
        typed = {"content.source": "edges:1", "content.target": "edges:1", "content.relation": "duplicate"}
        typed |= {"content.rests_on.reference.title": "Zoom In", "content.mechanism": "*Bent* <script>"}
        typed |= {"content.rests_on.reference.doi": "10.23915/distill.00024.001", "team": "lab", "kind": "link"}
        page = shown(desk.post(address, {**typed, "checkpoint": "toy", "check": "1"}))
        [target] = [one for one in page.all("input") if one["name"] == "content.target"]
        about = next(one.text for one in page.all("p") if one["id"] == target["aria-describedby"])
        assert "This is the source itself. (FH0001)" in about
        assert "<em>Bent</em> &lt;script&gt;" in page.html
        typed |= {"content.target": "mixed:9", "content.relation": "excites", "content.sign": "-"}
        fine = shown(desk.post(address, {**typed, "checkpoint": "toy", "check": "1"})).text
        assert "It can be saved as it is; what the rules remark" in fine
        assert "goes with the other sign. (FH0003)" in fine
        assert not Foothold.objects.exists()

    def test_what_few_write_is_folded_away_until_it_is_wrong(self, ana, checkpoint):
        desk, address = at_the_desk(ana), "/f/new?kind=description&checkpoint=toy&neuron=mixed:9"
        assert not any("open" in one.attributes for one in read(desk, address).all("details"))
        typed = {"content.neuron": "mixed:9", "content.title": "A", "content.parameters": "orientation | x"}
        page = shown(desk.post(address, {**typed, "kind": "description", "checkpoint": "toy", "team": "lab"}))
        assert any("open" in one.attributes for one in page.all("details"))

    def test_what_is_kept_is_there_later_and_can_be_thrown_away(self, claim, ana):
        desk = at_the_desk(ana)
        address = f"/f/{claim.accession}/edit"
        typed = fields(read(desk, address)) | {"content.terms": "half a | "}
        assert desk.post(address, {**typed, "based_on": 1, "keep": "1"})["Location"] == address
        page = read(desk, address)
        assert fields(page)["content.terms"] == "half a | "
        assert "did not save" in page.text
        desk.post(address, {**typed, "based_on": 1, "discard": "1"})
        assert fields(read(desk, address))["content.terms"] == ""

    def test_what_cannot_be_saved_or_kept_for_any_reason_comes_back(self, claim, ana):
        """The claim was withdrawn meanwhile; the summary is none; it is more than is kept for anybody."""
        desk, address = at_the_desk(ana), f"/f/{claim.accession}/edit"
        typed = fields(read(desk, address)) | {"content.body": "An hour's work.", "based_on": "1"}
        split = shown(desk.post(address, {**typed, "summary": "a\nb" + "c" * 400}))
        [summary] = [one for one in split.all("input") if one["name"] == "summary"]
        assert summary["value"].endswith("c" * 400)
        assert [one.text for one in split.all("p") if one["id"] == summary["aria-describedby"]] == [
            "Must have at most 300 characters."
        ]
        long = desk.post(address, {**typed, "content.terms": "x" * 70_000, "keep": "1"})
        assert (long.status_code, "Must have at most 65536 bytes." in shown(long).text) == (422, True)
        footholds.withdraw(actor=ana, foothold=claim)
        for last in (long, desk.post(address, typed)):
            assert fields(shown(last))["content.body"] == "An hour's work."
        assert "withdrawn" in shown(last).text

    def test_two_long_texts_meet_and_neither_is_lost(self, claim, ana):
        desk, address = at_the_desk(ana), f"/f/{claim.accession}/edit"
        typed = fields(read(desk, address)) | {"content.body": "Mine.", "content.predictions": "\n" * 70_000}
        revise(claim, ana, title="Theirs")
        answer = desk.post(address, {**typed, "based_on": "1"})
        assert (answer.status_code, fields(shown(answer))["content.body"]) == (412, "Mine.")

    def test_what_a_script_kept_in_another_form_is_left_alone(self, claim, ana):
        unsaved.keep(actor=ana, item=claim.accession, content=["anything"])
        assert fields(read(at_the_desk(ana), f"/f/{claim.accession}/edit"))["content.title"] == "A curve"

    @pytest.mark.parametrize("query", ["kind=evidence", "kind=nothing", "checkpoint=nowhere", "checkpoint=%00"])
    def test_of_what_there_is_none_there_is_no_form(self, ana, checkpoint, query):
        assert at_the_desk(ana).get(f"/f/new?{query}").status_code == 404


class TestArguing:
    def test_a_verdict_and_the_end_of_a_dispute(self, claim, bo, curator):
        reviewer, decider = at_the_desk(bo), at_the_desk(curator)
        page = f"/f/{claim.accession}"
        assert reviewer.post(f"{page}/review", {"version": 1, **DISPUTE}).status_code == 302
        assert Review.objects.get().verdict == "dispute"
        assert "Decide the dispute" in read(decider, page).text
        short = decider.post(f"{page}/resolve", {"outcome": "upheld", "rationale": "Short."})
        assert short.status_code == 422
        assert ("Short." in short.content.decode(), "50" in shown(short).text) == (True, True)
        decider.post(f"{page}/resolve", {"outcome": "upheld", "rationale": RATIONALE})
        claim.refresh_from_db()
        assert claim.state == "resolved"

    def test_a_verdict_on_what_has_changed_since_is_not_lost(self, claim, ana, bo):
        revise(claim, ana, title="Another")
        desk = at_the_desk(bo)
        answer = desk.post(f"/f/{claim.accession}/review", {"version": 1, "verdict": "agree", "text": "So it is."})
        assert answer.status_code == 422
        assert "So it is." in answer.content.decode()

    @pytest.mark.parametrize("way", ["word", "literature", "known"])
    def test_evidence(self, claim, ana, lab, describe, way):
        spoken = evidence.give(actor=ana, claim=describe(title="Other"), team=lab, content=WORD)
        ways = {
            "word": {"method": "AU", "interpretation": WORD["interpretation"]},
            "literature": {
                "method": "LT",
                "title": "Zoom In",
                "source": "10.23915/distill.00024.001",
                "quote": "Curves.",
            },
            "known": {"known": spoken.accession},
        }
        desk = at_the_desk(ana)
        answer = desk.post(f"/f/{claim.accession}/evidence", {"role": "contradicts", "facet": "purity", **ways[way]})
        assert answer.status_code == 302, shown(answer).text
        said = claim.support.get()
        assert (said.role, said.facet) == ("contradicts", "purity")
        page = read(desk, f"/f/{claim.accession}")
        assert "− contradicts" in page.text
        taken = {"evidence": said.evidence.accession, "role": "contradicts", "facet": "purity"}
        assert desk.post(f"/f/{claim.accession}/detach", taken).status_code == 302
        assert claim.support.filter(withdrawn_at=None).count() == 0

    def test_evidence_of_a_finished_question(self, claim, ana, answered):
        job = answered("mixed:9")
        desk = at_the_desk(ana)
        page = read(desk, f"/f/{claim.accession}")
        assert job.fingerprint in {one["value"] for one in page.all("option")}
        answer = desk.post(f"/f/{claim.accession}/evidence", {"role": "supports", "job": job.fingerprint})
        assert answer.status_code == 302
        page = read(desk, f"/f/{claim.accession}")
        assert len([one for one in page.all("img") if "excites" in one["alt"] or "inhibits" in one["alt"]]) >= 6
        assert read(desk, f"/f/{claim.support.get().evidence.accession}").all("img")

    def test_a_picture_is_evidence_and_has_words(self, claim, ana):
        desk, there = at_the_desk(ana), f"/f/{claim.accession}/evidence"
        said = {"role": "supports", "method": "SX", "interpretation": "Drawn by hand."}

        def sent(data: bytes = png((9, 8, 7)), **more: str):
            return desk.post(there, {**said, **more, "file": SimpleUploadedFile("x.png", data, "image/png")})

        assert sent(b"no picture").status_code == 422
        silent = sent()
        assert silent.status_code == 422
        assert "Drawn by hand." in shown(silent).text
        assert not claim.support.exists()
        assert sent(alt_text="A bow, in grey.").status_code == 302
        page = read(desk, f"/f/{claim.accession}")
        assert "A bow, in grey." in [one["alt"] for one in page.all("img")]
        table = SimpleUploadedFile("x.csv", b"angle,answer\n0,1.5\n", "text/csv")
        assert desk.post(there, {**said, "file": table, "alt_text": "Two columns."}).status_code == 302
        assert "Table (text/csv" in read(desk, f"/f/{claim.accession}").text

    @pytest.mark.parametrize(
        "typed",
        [
            {},
            {"method": "LT", "title": "Zoom In"},
            {"method": "LT", "source": "not a doi", "title": "Zoom In"},
            {"known": "E000000000"},
            {"known": "\x00"},
            {"job": "0" * 64},
            {"method": "AU", "known": "E000000000"},
        ],
    )
    def test_evidence_that_is_none_comes_back_with_the_reason(self, claim, ana, typed):
        desk = at_the_desk(ana)
        answer = desk.post(f"/f/{claim.accession}/evidence", {"role": "supports", "interpretation": "See.", **typed})
        assert answer.status_code == 422
        page = shown(answer)
        assert [one for one in page.all("p") if "error" in one["class"] or "fault" in one["class"]]
        assert "See." in page.text
        assert not claim.support.exists()

    def test_a_draft_is_proposed_and_withdrawn(self, describe, ana):
        draft, desk = describe(draft=True), at_the_desk(ana)
        for verb, state in (("propose", "proposed"), ("withdraw", "withdrawn")):
            assert desk.post(f"/f/{draft.accession}/{verb}", {"reason": ""}).status_code == 302
            draft.refresh_from_db()
            assert draft.state == state

    def test_an_earlier_version_comes_back(self, claim, ana):
        revise(claim, ana, title="Another")
        desk = at_the_desk(ana)
        assert "Restore" in read(desk, f"/f/{claim.accession}/history").text
        desk.post(f"/f/{claim.accession}/restore", {"version": 1, "based_on": 2})
        assert footholds.revision(claim, 3).restores == 1
        stale = desk.post(f"/f/{claim.accession}/restore", {"version": 2, "based_on": 2})
        assert stale.status_code == 422
        assert "changed since" in alerts(shown(stale))

    def test_what_is_wrong_with_a_button_is_said(self, claim, ana):
        """Pressed on a page that is older than what was done about it."""
        desk = at_the_desk(ana)
        gone = {"evidence": claim.accession, "role": "supports", "facet": ""}
        for verb, given in (("propose", {}), ("detach", gone), ("restore", {"version": "", "based_on": "x"})):
            answer = desk.post(f"/f/{claim.accession}/{verb}", given)
            assert (answer.status_code, bool(alerts(shown(answer)))) == (422, True), verb

    def test_curators_and_moderators(self, claim, describe, curator, operator):
        other, desk = describe(title="The same"), at_the_desk(curator)
        page = f"/f/{claim.accession}"
        desk.post(f"{page}/rank", {"rank": "preferred"})
        at_the_desk(operator).post(f"{page}/moderate", {"to": "hidden", "reason": "Spam."})
        claim.refresh_from_db()
        assert (claim.rank, claim.moderation) == ("preferred", "hidden")
        assert "visible → hidden by operator" in read(at_the_desk(operator), page).text
        at_the_desk(operator).post(f"{page}/moderate", {"to": "visible", "reason": "Not so."})
        for into in ("D000000000", claim.accession, "\x00"):
            assert desk.post(f"{page}/merge", {"into": into, "reason": "The same."}).status_code == 422
        desk.post(f"{page}/merge", {"into": other.accession, "reason": "The same."})
        claim.refresh_from_db()
        assert claim.replaced_by == other


class TestTheVocabulary:
    def test_a_word_is_added_renamed_and_merged(self, ana, curator, curve):
        assert at_the_desk(ana).post("/t", {"slug": "arc", "label": "arc"}).status_code == 302
        desk = at_the_desk(curator)
        given = {"label": "bow", "definition": "Bent.", "synonyms": "bend, bent"}
        assert desk.post("/t/arc/rename", {**given, "version_tag": "arc.1"})["Location"] == "/t/arc"
        assert Term.objects.get(slug="arc").synonyms == ["bend", "bent", "arc"]
        stale = desk.post("/t/arc/rename", {**given, "version_tag": "arc.1"})
        assert (stale.status_code, faults(shown(stale))) == (422, [])
        assert desk.post("/t/arc/merge", {"into": "nothing"}).status_code == 422
        assert desk.post("/t/arc/merge", {"into": "curve"})["Location"] == "/t/curve"
        assert desk.get("/t/arc")["Location"] == "/t/curve"

    def test_a_word_of_the_longest_name_is_renamed_like_any_other(self, ana, curator):
        slug = "a" * 40
        terms.create(actor=ana, slug=slug, label="long")
        given = {"label": "longest", "version_tag": f"{slug}.1"}
        assert at_the_desk(curator).post(f"/t/{slug}/rename", given)["Location"] == f"/t/{slug}"

    def test_a_word_that_is_none_comes_back(self, ana, curve):
        desk = at_the_desk(ana)
        answer = desk.post("/t", {"slug": "curve", "label": "curve", "definition": "As typed."})
        assert answer.status_code == 422
        assert "As typed." in answer.content.decode()
