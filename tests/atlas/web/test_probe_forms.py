"""Forms of probes: datasets are chosen by their titles, and of many parameters those are seen that most ask for."""

from datetime import timedelta

import pytest
from django.db.models import F

from atlas.models import Job, Membership, Role, Team
from atlas.services import catalog, jobs, workers
from atlas.web import forms
from tests.archived import dataset_of
from tests.atlas.web.reading import faults, page_of, read

pytestmark = pytest.mark.django_db
NEURON = "/c/toy/edges/1"
OPENED = f"{NEURON}?ask=activations"
DATASET = {
    "type": "string",
    "title": "Pictures",
    "description": "What it is shown.",
    "pattern": "^([0-9a-f]{64})?$",
    "format": "dataset",
    "default": "",
}
ARTIFACT = {**DATASET, "title": "Spectrum", "format": "artifact"}
NUMBER = {"type": "integer", "title": "Number", "minimum": 0, "default": 1}


def schema(**properties):
    return {"type": "object", "additionalProperties": False, "properties": properties}


@pytest.fixture
def showing(checkpoint):
    """A probe that is shown pictures, with so many other parameters."""

    def published(others=1):
        numbers = {f"n{place}": NUMBER for place in range(others)}
        return catalog.publish(
            name="activations", version=others, summary="Responses", description="What a unit answers.",
            schema=schema(**numbers, dataset=DATASET, spectrum=ARTIFACT), subjects=["unit"], site="pre_relu",
            example={}, seconds=1.0,
        )  # fmt: skip

    return published


def opened_in(page):
    """Whether the form is there, and whether the part of it that folds is open."""
    folds = ["open" in one.attributes for one in page.all("details") if one["class"] == "rest"]
    return [any(one["class"] == "ask" for one in page.all("form")), *folds]


def options(page):
    return [(one["value"], one.text) for one in page.all("option") if "select" in one.within]


def test_a_dataset_is_chosen_among_those_one_may_read(signed_in, showing, user):
    lab = Team.objects.create(slug="lab", name="The lab")
    seen, ours, theirs = dataset_of(), dataset_of("ours", team=lab, visibility="team"), dataset_of("x1", size=1)
    showing()
    page = read(signed_in, OPENED)
    assert faults(page) == []
    assert options(page) == [
        ("", "the eight fixed pictures"), (seen.digest, "As seen (2 pictures)"), (theirs.digest, "As x1 (1 picture)")
    ]  # fmt: skip
    assert [it["type"] for it in page.all("input") if it["name"] == "spectrum"] == ["text"]
    Membership.objects.create(team=lab, contributor=user.contributor, role=Role.READER)
    assert (ours.digest, "As ours (2 pictures)") in options(read(signed_in, OPENED))
    signed_in.post(NEURON, {"probe": "activations", "dataset": seen.digest})
    signed_in.post(NEURON, {"probe": "activations", "dataset": ""})
    assert [(job.dataset, job.params["dataset"]) for job in Job.objects.order_by("id")] == [
        (seen, seen.digest),
        (None, ""),
    ]


def test_one_that_is_none_is_refused_beside_its_field_and_is_not_lost(signed_in, showing):
    showing()
    for typed in ("f" * 64, "<script>"):
        answer = signed_in.post(NEURON, {"probe": "activations", "dataset": typed, "n0": "2"})
        page = page_of(answer)
        assert (answer.status_code, faults(page)) == (422, [])
        [field] = page.all("select")
        assert (field["name"], field["aria-invalid"]) == ("dataset", "true")
        assert [one["value"] or one.text for one in page.all("option") if "selected" in one.attributes] == [typed]
    assert not Job.objects.exists()


@pytest.mark.parametrize(("others", "seen", "rest"), [(1, 3, 0), (4, 6, 0), (7, 9, 0), (8, 7, 3), (15, 7, 10)])
def test_of_many_parameters_the_first_are_seen_and_the_pictures_always(others, seen, rest):
    numbers = {f"n{place}": NUMBER for place in range(others)}
    found = forms.fields(schema(**numbers, dataset=DATASET, spectrum=ARTIFACT))
    first, more = forms.divided(found)
    assert (len(first), len(more)) == (seen, rest)
    assert "dataset" in {field.name for field in first}
    assert [field for field in found if field in first] == [*first]


def test_the_others_are_open_where_one_of_them_was_filled_in(signed_in, showing):
    showing(12)
    assert opened_in(read(signed_in, NEURON)) == [False]
    page = read(signed_in, OPENED)
    assert "7 more" in page.text
    assert opened_in(page) == [True, False]
    assert len({one["name"] for one in page.all("input") if one["name"].startswith("n")} - {"name"}) == 12
    usual = {f"n{place}": "1" for place in range(12)}
    for typed, which in (
        ({"n0": "-1"}, [True, False]),
        ({"n11": "-1"}, [True, True]),
        ({"n0": "x", "n9": "2"}, [True, True]),
    ):
        answer = signed_in.post(NEURON, {"probe": "activations", **usual, **typed})
        page = page_of(answer)
        assert (answer.status_code, faults(page)) == (422, [])
        assert opened_in(page) == which


@pytest.fixture
def shipped(checkpoint):
    """Everything that can be asked."""
    from workers import translate

    for kind in translate.kinds():
        catalog.publish(**kind)


def forms_of(page):
    """The text of the forms that are open."""
    return [one.text for one in page.all("div") if one["class"] == "probe open"]


def test_every_probe_that_ships_has_a_form_and_one_is_open(signed_in, shipped):
    page = read(signed_in, NEURON)
    assert faults(page) == []
    others = [one["href"] for one in page.all("a") if one["class"] == "what"]
    assert len(others) > 5
    for address in others:
        page_of_other = read(signed_in, address.partition("#")[0])
        assert faults(page_of_other) == []
        assert len(forms_of(page_of_other)) == 1
    [opened] = forms_of(page)
    assert "Feature visualization" in opened
    assert "From 16 to 512, usually 128." in opened
    assert "Picture size (px)" in opened
    assert "About 30\N{NO-BREAK SPACE}s on one core with the usual parameters" in opened


def test_a_checkpoint_is_chosen_by_its_name(signed_in, shipped, checkpoint):
    assert (checkpoint.digest, "Toy toy (toy)") in options(read(signed_in, f"{NEURON}?ask=similarity"))


class TestEdits:
    """An intervention's edits: one by fields, any number as JSON, without a script."""

    USUAL = {"probe": "intervention", "edits": "[]", "metrics": ["", "logits"], "doses": "", "random_units": "1"}

    def ask(self, browser, **typed):
        return browser.post(NEURON, {**self.USUAL, **typed})

    def test_one_by_fields(self, signed_in, shipped):
        fields = {"edits.op": "set", "edits.layer": "mixed", "edits.channels": "0, 3", "edits.value": "0.5"}
        answer = self.ask(signed_in, **fields, **{"edits.factor": "left over"})
        assert answer.status_code == 302
        job = Job.objects.get()
        [edit] = job.params["edits"]
        assert edit == {"op": "set", "layer": "mixed", "channels": [0, 3], "value": 0.5, "alpha": 1, "where": None}
        assert job.params["metrics"] == ["logits"]

    def test_behind_those_as_json(self, signed_in, shipped):
        first = '[{"op": "cut", "source": "edges:1", "target": "mixed:0"}]'
        self.ask(
            signed_in, edits=first, **{"edits.op": "set", "edits.value": "mean", "edits.where": '{"box":[0,0,1,1]}'}
        )
        assert [it["op"] for it in Job.objects.get().params["edits"]] == ["cut", "set"]
        assert Job.objects.get().params["edits"][1]["value"] == "mean"

    def test_what_does_not_fit_is_said_where_and_nothing_is_lost(self, signed_in, shipped):
        typed = {"edits.op": "scale", "edits.layer": "mixed", "edits.channels": "0", "edits.factor": "many"}
        for sent, said in (
            (typed, "factor: “many” cannot be read."),
            ({**typed, "edits.factor": ""}, "Number 1"),
            ({**typed, "edits.factor": "2", "edits": '[{"op": "set", "value": 1, "alpha": 7}]'}, "Number 1, alpha"),
        ):
            answer = self.ask(signed_in, **sent)
            page = page_of(answer)
            assert (answer.status_code, faults(page)) == (422, [])
            assert said in page.text
            stands = {one["name"]: one["value"] for one in page.all("input")}
            assert (stands["edits.factor"], stands["edits.channels"]) == (sent["edits.factor"], "0")
            assert [one.text for one in page.all("textarea")] == [sent.get("edits", "[]")]
        assert not Job.objects.exists()

    def test_none_of_several_is_none(self, signed_in, shipped):
        self.ask(signed_in, metrics="")
        assert Job.objects.get().params["metrics"] == []


class TestAskingAgain:
    def test_an_older_question_fills_in_its_form(self, signed_in, shipped):
        signed_in.post(NEURON, {"probe": "connections", "top": "7", "layer": "edges"})
        job = Job.objects.get()
        page = read(signed_in, f"{NEURON}?ask={job.fingerprint}")
        assert faults(page) == []
        assert "Filled in as it was asked before." in page.text
        [opened] = forms_of(page)
        assert "Connections" in opened
        stands = [(one["name"], one["value"]) for one in page.all("input")]
        assert ("top", "7") in stands
        assert ("layer", "edges") in stands

    @pytest.mark.parametrize("named", ["", "x", "0" * 64, "%00", "0" * 100])
    def test_one_that_is_none_fills_in_nothing(self, signed_in, shipped, named):
        assert "Filled in" not in read(signed_in, f"{NEURON}?ask={named}").text


def test_what_it_costs_is_what_the_last_answers_took(signed_in, showing, alice, ask_for, checkpoint):
    kind = showing()
    for top, seconds in ((1, 40), (1, 60), (2, 500)):
        signed_in.post(NEURON.replace("/1", f"/{seconds % 3}"), {"probe": kind.name, "n0": str(top)})
        [job] = jobs.claim(workers.start(device="cpu", versions={}), limit=lambda head: 1, probes=[kind])
        Job.objects.filter(pk=job.pk).update(started_at=F("started_at") - timedelta(seconds=seconds))
        jobs.finish(job, numbers={}, provenance={}, shown=[])
    assert "About 50 s, as the last answers took with the usual parameters" in read(signed_in, OPENED).text


def test_the_cost_follows_what_is_typed(signed_in, checkpoint, probe):
    """By the number that would be held; without a script the form says what it is for."""
    form = f"{NEURON}?ask={probe.name}"
    page = read(signed_in, form)
    [status] = [one for one in page.all("span") if one["hx-post"]]
    assert (status["hx-post"], "with the usual parameters" in status.text) == (f"{NEURON}/estimate", True)
    usual = forms.typed_from({}, probe.schema)
    said = {
        steps: signed_in.post(status["hx-post"], {**usual, "probe": probe.name, "steps": steps}).content.decode()
        for steps in ("", "40", "x")
    }
    told = {"": "About 1\xa0s as it stands here.", "40": "About 4\xa0s as it stands here."}
    assert {steps: said[steps].strip() for steps in told} == told
    assert "cannot be asked: “x” is not a whole number." in said["x"]
    signed_in.post(NEURON, {**usual, "probe": probe.name, "steps": "40"})
    assert Job.objects.get().estimate == 4
