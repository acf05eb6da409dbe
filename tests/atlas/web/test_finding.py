"""Finding by name: what is suggested, where a reference leads, and that neither tells more than its reader may know."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from atlas.models import Checkpoint, Layer
from atlas.services import terms

pytestmark = pytest.mark.django_db


def suggested(client, text, checkpoint=""):
    """What is offered, as (what, name, where it leads or what it becomes)."""
    answer = client.get("/search/suggestions", {"q": text, "checkpoint": checkpoint})
    assert answer.status_code == 200
    return [(it["what"], it["name"], it["url"] or it["text"]) for it in answer.json()["items"]]


@pytest.fixture
def named(claim, ana):
    """A claim, a term and a person by their names."""
    terms.create(actor=ana, slug="curve", label="Curve detector")
    return claim


def test_everything_that_has_a_name_is_suggested_by_its_beginning(named, client):
    assert ("neuron", "mixed:9", "/c/toy/mixed/9") in suggested(client, "mixed:9")
    assert ("neuron", "mixed:9", "/c/toy/mixed/9") in suggested(client, "mixed_5x5:1")
    assert ("foothold", named.accession, f"/f/{named.accession}") in suggested(client, named.accession[:6].lower())
    assert ("layer", "mixed_5x5", "/c/toy/mixed") in suggested(client, "mixe")
    assert ("checkpoint", "toy", "/c/toy") in suggested(client, "to")
    assert ("term", "Curve detector", "/t/curve") in suggested(client, "curve det")
    assert ("person", "ana", "/u/ana") in suggested(client, "an")
    assert ("page", "Keyboard shortcuts", "/keyboard") in suggested(client, "short")
    assert ("field", "kind:", "kind:") in suggested(client, "ki")


def test_a_neuron_without_its_channel_is_its_layer_and_the_first_of_its_neurons(named, client, register):
    """`mixed:` and what is called so besides; /resolve leads to the layer."""
    register("other", "b")
    found = suggested(client, "edges:")
    assert [one[:2] for one in found][:3] == [("layer", "edges"), ("layer", "edges"), ("neuron", "edges:0")]
    assert ("term", "Curve detector", "/t/curve") in suggested(client, "curve:")
    there = client.get("/resolve", {"ref": "edges:", "checkpoint": "toy"})
    assert there["Location"] == "/c/toy/edges"
    assert client.get("/resolve", {"ref": "nothing:"}).status_code == 404


def test_what_is_part_of_a_query_is_finished_and_leads_nowhere(named, client):
    assert suggested(client, "curve -kind:li") == [("field", "kind:link", "curve -kind:link")]
    assert ("field", "term:curve", "(edge OR term:curve") in suggested(client, "(edge OR term:c")
    assert ("neuron", "mixed:9", "curve toy/mixed:9") in suggested(client, "curve mixed:9")
    assert ("operator", "upstream(", "curve upstream(") in suggested(client, "curve up")
    assert suggested(client, '"curve det') == suggested(client, " ") == suggested(client, "x" * 201) == []


def test_nothing_is_suggested_or_resolved_to_who_may_not_read_it(named, client, ana):
    Checkpoint.objects.filter(slug="toy").update(visibility="team", team=named.team)
    for text in ("mixed:9", named.accession, "mixe", "toy"):
        assert not [it for it in suggested(client, text) if it[0] in ("neuron", "foothold", "layer", "checkpoint")]
        assert client.get("/resolve", {"ref": text}).status_code == 404
    client.force_login(ana.login)
    assert suggested(client, "mixed:9")
    assert client.get("/resolve", {"ref": "toy"})["Location"] == "/c/toy"


def test_suggesting_costs_the_same_number_of_queries_however_much_there_is(named, client, register, ana):
    asked = ("mixed:9", "mix", "layer:m", named.accession[:4], "curve detector")

    def costs():
        found = []
        for text in asked:
            with CaptureQueriesContext(connection) as captured:
                suggested(client, text)
            found.append(len(captured))
        return found

    few = costs()
    for letter in "bcdef":
        register(f"toy-{letter}", letter)
        terms.create(actor=ana, slug=f"curve-{letter}", label=f"Curve detector {letter}")
    assert costs() == few
    assert max(few) <= 8


def test_suggestions_are_counted_as_searches(named, client, settings):
    settings.RATES = settings.RATES | {"search": 2}
    answers = [client.get("/search/suggestions?q=cur", headers={"Accept": "application/json"}) for _ in range(3)]
    assert [it.status_code for it in answers] == [200, 200, 429]
    assert answers[-1]["Retry-After"]


def test_a_reference_leads_to_what_it_means_or_to_the_choice(named, client, register):
    def there(**asked):
        return client.get("/resolve", asked).get("Location")

    assert there(ref="mixed_5x5:1") == "/c/toy/mixed/9"
    assert there(ref=f" {named.accession.lower()} ") == f"/f/{named.accession}"
    assert (there(ref="@ana"), there(ref="curve detector"), there(ref="toy")) == ("/u/ana", "/t/curve", "/c/toy")
    register("toy-b", "b")
    assert there(ref="toy/mixed:9") == there(ref="mixed:9", checkpoint="toy") == "/c/toy/mixed/9"
    choice = client.get("/resolve?ref=mixed:9")
    assert choice.status_code == 200
    assert "/c/toy-b/mixed/9" in choice.content.decode()
    body = client.get("/resolve.json?ref=mixed:9").json()
    assert [it["url"] for it in body["candidates"]] == ["/c/toy/mixed/9", "/c/toy-b/mixed/9"]
    assert client.get("/resolve?ref=nothing").status_code == 404


def test_the_box_of_the_masthead_leads_to_what_is_named_and_looks_for_words(named, client, register):
    def there(text, checkpoint=""):
        return client.get("/search", {"go": "1", "q": text, "checkpoint": checkpoint}).get("Location")

    assert (there("mixed:9"), there(named.accession), there("@ana"), there("toy")) == (
        "/c/toy/mixed/9", f"/f/{named.accession}", "/u/ana", "/c/toy",
    )  # fmt: skip
    assert there("curve") is there("mixed") is there("ana") is there("") is None
    assert client.get("/search", {"q": "mixed:9"}).status_code == 200
    register("toy-b", "b")
    assert there("mixed:9") is None
    assert there("mixed:9", checkpoint="toy-b") == "/c/toy-b/mixed/9"
    page = client.get("/c/toy/mixed").content.decode()
    assert '<input type="hidden" name="checkpoint" value="toy">' in page


def test_layers_of_the_checkpoint_that_is_looked_at_come_first(named, client, register):
    for letter in "bcdef":
        register(f"toy-{letter}", letter)
    assert Layer.objects.filter(key="mixed").count() == 6
    assert suggested(client, "mixed", checkpoint="toy-f")[0] == ("layer", "mixed", "/c/toy-f/mixed")
    assert suggested(client, "mixed:9", checkpoint="toy-f")[0] == ("neuron", "mixed:9", "/c/toy-f/mixed/9")
