"""What neurons answer to pictures, on pages: the numbers of the finding to the digit, and of private ones no word."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from atlas.models import Dataset, Job, Membership, Role, Team
from atlas.services import artifacts, catalog, datasets, jobs
from atlas.services.jobs import Shown
from atlas.services.recordings import Recorded
from tests.atlas.web.conftest import png
from tests.atlas.web.reading import faults, page_of, read
from tests.recording import STATISTICS, example, record

pytestmark = pytest.mark.django_db
FIRING = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "picture": {"type": "string", "format": "artifact", "title": "Picture", "default": ""},
        "against": {"type": "string", "format": "artifact", "title": "Against", "default": ""},
    },
}


def dataset(slug: str = "birds", **more) -> Dataset:
    kept = [artifacts.keep(png((place, ord(slug[0]), 7)), media_type="image/png") for place in range(3)]
    items = [datasets.Item(it.sha256, f"{place}.png", 0, it) for place, it in enumerate(kept)]
    return datasets.register(
        actor=None, slug=slug, items=items, kind="images", title=slug.title(), licence="CC0-1.0", labels=["robin"],
        **more,
    )  # fmt: skip


def told(shown: Dataset, unit: str = "edges:0", **more) -> Recorded:
    places = ((0.0, 0, -1.25), (0.5, 1, 0.125), (1.0, 2, 2.5))
    listed = [example(shown, place, quantile=quantile, value=value) for quantile, place, value in places]
    return Recorded(
        unit, "pre_relu", {**STATISTICS, "examples": [*listed, example(shown, 2, rank=1, value=2.5)], **more}
    )


@pytest.fixture
def recorded(checkpoint, alice) -> Job:
    """What edges:0 answers to three pictures."""
    shown = dataset()
    return record(checkpoint, alice, shown, "edges:0", told(shown))


@pytest.fixture
def firing(recorded):
    """The probe that asks about one picture."""
    return catalog.publish(
        name="firing", version=1, summary="Fires", description="What fires.", schema=FIRING,
        subjects=["checkpoint", "unit"], site="pre_relu", example={}, seconds=1.0,
    )  # fmt: skip


def test_a_spectrum_goes_from_least_to_most_in_the_finding_s_own_digits(client, recorded):
    for address in ("/c/toy/edges/0", f"/j/{recorded.fingerprint}", f"/j/{recorded.fingerprint}/progress"):
        html = client.get(address).content.decode()
        places = [html.index(f'<data value="{value}">') for value in ("-1.25", "0.125", "2.5")]
        assert places == sorted(places)
        assert html.count('viewBox="0 0 0.25 0.25"') == 4
        for name in ("maximum_mean", "maximum_std", "mean", "variance", "skewness", "kurtosis", "active"):
            assert f'<data value="{STATISTICS[name]!r}">' in html
    page = read(client, "/c/toy/edges/0")
    assert faults(page) == []
    assert "of the 3 pictures of Birds" in page.text
    assert "+ above zero at 37.5 %" in page.text
    assert "before the ReLU" in page.text
    body = client.get("/c/toy/edges/0.json").json()
    [listed] = client.get("/api/v1/checkpoints/toy/layers/edges/neurons/0/statistics").json()["items"]
    assert body["recorded"] == [listed]
    assert listed["histogram"] == STATISTICS["histogram"]


def test_a_story_is_told_in_order_and_goes_on_with_the_neuron_beside_it(client, recorded, answered):
    answered("edges:0")
    page = read(client, "/c/toy/edges/0")
    headings = [one.text for one in page.all("h2")]
    told = ["What excites it, what inhibits it", "What it answers to pictures", "What people say of it"]
    assert headings == [*told, "Ask it something", "History", "Refer to it"]
    contents = [one["href"] for one in page.all("a") if one["href"].startswith("#")][1:]  # after the skip link
    assert contents[1:] == ["#recorded", "#claims", "#ask", "#history", "#cite"]
    assert {one["id"] for one in page.elements} >= {href[1:] for href in contents}
    beside = {address: client.get(f"{address}.json").json() for address in ("/c/toy/edges/3", "/c/toy/mixed/0")}
    assert beside["/c/toy/edges/3"]["after"] == "/c/toy/mixed/0"
    assert beside["/c/toy/mixed/0"]["before"] == "/c/toy/edges/3"
    assert client.get("/c/toy/edges/0.json").json()["before"] is None
    assert client.get("/c/toy/mixed/11.json").json()["after"] is None


def test_the_histogram_shows_what_is_filled_with_axes_and_zero(client, recorded):
    html = client.get("/c/toy/edges/0").content.decode()
    assert html.count("<rect class=") == 63 + html.count('class="plate"') + html.count('class="patch"')
    assert "Histogram of the response at 190 positions" in html
    assert "(1 below, 2 above)" in html


def test_what_pictures_achieve_stands_beside_them(client, checkpoint, recorded, answered):
    answered("edges:0")
    body = client.get("/c/toy/edges/0.json").json()
    assert [(it["seed"], it["reached"], it["maximum"], it["items"], it["ratio"]) for it in body["achieved"]] == [
        (seed, 2.25, 2.5, 3, 0.9) for seed in (0, 1, 2)
    ]
    page = read(client, "/c/toy/edges/0")
    assert page.text.count("0.90 × the strongest of 3 no better than the dataset") == 3
    job = Job.objects.get(probe__name="feature-visualization")
    assert client.get(f"/j/{job.fingerprint}.json").json()["achieved"] == body["achieved"]
    assert '<data value="0.9">' in client.get(f"/j/{job.fingerprint}").content.decode()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"maximum": 1.5}, "1.50 × the strongest of 3 beats every one of the 3 pictures"),
        ({"maximum": -0.5}, "no picture of 3 excites it"),
        ({"rectified": False}, ""),
    ],
)
def test_it_is_said_in_words_how_far(client, checkpoint, alice, answered, more, says):
    shown = dataset()
    record(checkpoint, alice, shown, "edges:0", told(shown, **more))
    answered("edges:0")
    page = read(client, "/c/toy/edges/0")
    assert (says in page.text) if says else ("the strongest of" not in page.text)


def test_a_private_dataset_leaves_no_trace_for_strangers(signed_in, checkpoint, alice, answered):
    team = Team.objects.create(slug="lab", name="The lab")
    Membership.objects.create(team=team, contributor=alice, role=Role.READER)
    shown = dataset("cats", team=team, visibility="team")
    record(checkpoint, alice, shown, "*", told(shown))
    job = answered("edges:0")
    for address in ("/c/toy/edges/0", "/c/toy/edges/0.json", f"/j/{job.fingerprint}", "/firing?checkpoint=toy"):
        told_to = [it.get(address).content.decode() for it in (Client(), signed_in)]
        assert "Cats" not in told_to[0]
        assert shown.digest not in told_to[0]
    assert "Cats" in signed_in.get("/c/toy/edges/0").content.decode()


def test_a_page_takes_as_many_queries_for_many(client, checkpoint, alice, recorded, django_assert_max_num_queries):
    for slug in ("cats", "dogs"):
        shown = dataset(slug)
        record(checkpoint, alice, shown, "edges:0", told(shown))
    with django_assert_max_num_queries(22):
        assert read(client, "/c/toy/edges/0").text.count("How it was recorded") == 3


def sent(client, **typed):
    return client.post("/firing?checkpoint=toy", {"against": "", "item": "", **typed})


def test_a_picture_of_ones_own_or_of_a_dataset_is_asked_about(signed_in, firing, recorded):
    item = recorded.dataset.items.first()
    by_item = sent(signed_in, item=item.digest)
    by_file = sent(signed_in, file=SimpleUploadedFile("a.png", png((1, 2, 3)), content_type="image/png"))
    asked = [Job.objects.get(fingerprint=it["Location"].rpartition("/")[2]) for it in (by_item, by_file)]
    assert [(job.subject_text, job.probe.name, job.state) for job in asked] == [("*", "firing", "queued")] * 2
    assert asked[0].params == {"picture": item.artifact_id, "against": ""}
    assert asked[1].params["picture"] not in ("", item.artifact_id)


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({}, "Choose one"),
        ({"item": "0" * 64}, "No dataset that you may read"),
        ({"item": "zero"}, "Enter a valid value."),
        ({"against": "0" * 64}, "Select a valid choice."),
        ({"file": SimpleUploadedFile("a.png", b"no picture", content_type="image/png")}, "picture"),
    ],
)
def test_what_cannot_be_asked_is_said_beside_its_field(signed_in, firing, typed, says):
    answer = sent(signed_in, **typed)
    assert answer.status_code == 422
    page = page_of(answer)
    assert says in page.text
    assert faults(page) == []
    assert not Job.objects.filter(probe=firing).exists()


def test_who_is_nobody_reads_the_page_and_signs_in_to_ask(client, firing):
    assert "Sign in" in read(client, "/firing?checkpoint=toy").text
    assert client.post("/firing?checkpoint=toy", {}).status_code == 302


def test_the_form_offers_what_was_recorded_of_everything(signed_in, checkpoint, alice, firing):
    shown = dataset("dogs")
    job = record(checkpoint, alice, shown, "*", told(shown))
    kept = artifacts.keep(json.dumps(job.pk).encode(), media_type="application/x-safetensors")
    job.finding.shown.create(position=0, role="statistics", artifact=kept, facts={})
    html = signed_in.get("/firing?checkpoint=toy").content.decode()
    assert f'<option value="{kept.sha256}">Dogs (3 pictures)</option>' in html


def test_what_fires_is_shown_by_z_with_what_each_sees(signed_in, checkpoint, alice, firing, recorded, answered, worker):
    answered("edges:1")
    item = recorded.dataset.items.first()
    fingerprint = sent(signed_in, item=item.digest)["Location"].rpartition("/")[2]
    [job] = jobs.claim(worker, limit=lambda head: 1, probes=[firing])
    place = {
        "site": "pre_relu",
        "mean": 0.5,
        "centre": 0.25,
        "position": [0, 0],
        "box": [0, 0, 8, 8],
        "part": [0.0, 0.0, 0.5, 0.5],
    }
    units = [
        {"unit": "edges:1", "maximum": 3.5, "z": 4.125, "percentile": 100, **place},
        {"unit": "mixed:2", "maximum": 0.5, "z": None, "percentile": 0, **place},
    ]
    numbers = {"subject": "*", "against": {"dataset": recorded.dataset.digest, "items": 3}, "of": 16, "units": units}
    table = artifacts.keep(b"table", media_type="application/x-safetensors")
    jobs.finish(job, numbers=numbers, provenance={"device": "cpu"}, shown=[Shown("responses", table, {})])
    page = read(signed_in, f"/j/{fingerprint}")
    assert faults(page) == []
    assert "The 2 of 16 neurons" in page.text
    assert "pictures of Birds" in page.text
    assert page.text.index("edges:1 z 4.12") < page.text.index("mixed:2 z –")
    assert '<data value="4.125">' in page.html
    assert signed_in.get(f"/j/{fingerprint}.json").json()["finding"]["numbers"] == numbers
