"""The demo's story: told by finished jobs as far as there are any, told once, and standing as it should."""

import pytest
from django.core.management import CommandError, call_command

from atlas.dossiers import circuits
from atlas.dossiers import footholds as dossiers
from atlas.models import (
    Change,
    Contributor,
    Foothold,
    FootholdNeuron,
    Job,
    Membership,
    Request,
    Resolution,
    Review,
    Revision,
    Support,
    Team,
    Term,
    User,
)
from atlas.services import artifacts, people
from workers.management.commands import exhibit, seed
from workers.storytelling import ACTS, read

PATH = exhibit.ORGANISMS / "curve-circuit" / "story.json"
TABLES = (Contributor, Foothold, FootholdNeuron, Job, Membership, Request, Resolution, Review, Revision, Support, Team,
          Term, User)  # fmt: skip
STATES = {
    "curve": ("accepted", []),
    "straight": ("disputed", []),
    "light": ("resolved", []),
    "slanted": ("proposed", ["stale-reviews", "falsified"]),
    "miscounted": ("withdrawn", []),
    "circuit": ("proposed", []),
    "family": ("proposed", []),
}


def counted() -> dict[str, int]:
    """How many rows there are."""
    return {table.__name__: table.objects.count() for table in TABLES}


def titles() -> dict[str, str]:
    """The title of every claim of the story, by the name under which the story knows it."""
    claims = [act for act in read(PATH)["acts"] if act["does"] == "claim" and "title" in act["content"]]
    return {act["as"]: act["content"]["title"] for act in claims}


@pytest.fixture
def quick(monkeypatch):
    """Pictures of few steps: whether they are there is what matters here."""
    monkeypatch.setattr(exhibit, "SMALL_STEPS", 2)


def test_it_is_told_once_as_far_as_there_are_pictures(quick, drain, organism_on, capsys):
    organism_on()
    call_command("seed")
    assert "when there is a picture of curve:2" in capsys.readouterr().out
    assert not Foothold.objects.filter(kind="evidence").exists(), "nothing is shown that nobody has drawn"
    call_command("seed")
    assert Job.objects.get().state == "queued", "it is asked for once"
    while "told" not in capsys.readouterr().out:
        assert drain.drain(seconds=60) == 1, "every picture and every weight is a worker's"
        call_command("seed")
    assert drain.drain(seconds=60) == 2, "what was predicted is computed"
    require_states()
    require_evidence()
    require_measurements()
    require_people()
    before, changes = counted(), Change.objects.count()
    call_command("seed")
    assert "nothing new" in capsys.readouterr().out
    assert (counted(), Change.objects.count()) == (before, changes)
    require_that_it_survives_its_readers(capsys)


def require_states():
    """Every claim stands as the story means it to, with verdicts of both teams where they disagree."""
    rows = {row.title: row for row in Foothold.objects.all()}
    found = {name: rows[titles()[name]] for name in STATES}
    assert {name: (row.state, row.flags) for name, row in found.items()} == STATES
    for name in ("curve", "straight", "light"):
        assert set(found[name].reviews.values_list("team__slug", flat=True)) == {"demo-lines", "demo-curves"}
    verdicts = set(found["straight"].reviews.values_list("verdict", flat=True))
    assert verdicts == {"agree", "dispute"}
    assert set(found["straight"].support.values_list("role", flat=True)) == {"supports", "contradicts"}
    assert [dossiers.foothold(row.accession, actor=None).warnings for row in rows.values()] == [()] * len(rows)


def require_evidence():
    """Whatever rests on a job rests on one that a worker finished, whose pictures anybody can open."""
    shown = Foothold.objects.filter(kind="evidence", revisions__content__jobs__0__isnull=False)
    assert shown.count() == sum(act["does"] == "show" for act in read(PATH)["acts"]) > 3
    for row in shown:
        content = row.revisions.get(version=1).content
        [fingerprint] = content["jobs"]
        job = Job.objects.get(fingerprint=fingerprint)
        assert (job.state, content["method"], bool(content["alt_text"])) == ("done", "FV", True)
        subject = {it.neuron_id for it in FootholdNeuron.objects.filter(foothold__support__evidence=row)}
        assert subject == {job.neuron_id}, "the picture is of the neuron that it is evidence for"
        for part in job.finding.shown.all():
            known = artifacts.find(part.artifact_id, actor=None)
            assert len(artifacts.read(known)) == known.size


def require_measurements():
    """Every link carries the connection that a worker measured, and says its sign, or that not all weights have it."""
    links = [dossiers.foothold(row.accession, actor=None) for row in Foothold.objects.filter(kind="link")]
    assert len(links) == 5
    assert all(link.content["sign"] in (link.measured.sign, "mixed") for link in links)
    circuit = Foothold.objects.get(kind="circuit")
    assert all(edge.norm for edge in circuits.graph(circuit.accession, actor=None).edges)


def require_people():
    """All are characters, by name, and so are their teams; nobody can sign in as one."""
    cast = Contributor.objects.filter(revisions__isnull=False).distinct()
    assert {row.handle for row in cast} <= set(read(PATH)["people"])
    assert all("a character of the demo" in row.citation_name for row in cast)
    assert all("of the demo" in team.name for team in Team.objects.filter(person=None))
    assert not any(row.login.password_is_temporary or row.login.email for row in cast)


def require_that_it_survives_its_readers(capsys):
    """What others do about it afterwards is not undone and not doubled."""
    curve = Foothold.objects.get(title=titles()["curve"])
    Foothold.objects.filter(pk=curve.pk).update(title="Renamed by a visitor")
    Term.objects.filter(slug="light-line").update(replaced_by=Term.objects.get(slug="line"))
    before = counted()
    call_command("seed")
    assert "nothing new" in capsys.readouterr().out
    assert counted() == before


def test_every_act_is_one_that_can_be_told():
    story = read(PATH)
    assert {act["does"] for act in story["acts"]} == set(ACTS)
    assert {act["by"] for act in story["acts"]} == set(story["people"])


def test_it_is_told_of_the_shipped_weights_only(register):
    with pytest.raises(CommandError, match="not registered as it ships"):
        call_command("seed")
    register("curve-circuit")
    with pytest.raises(CommandError, match="not registered as it ships"):
        call_command("seed")


def test_a_handle_that_is_somebodys_is_not_taken_over(organism):
    people.join(username="demo-jon", password="correct horse battery", citation_name="Jon Demo")
    with pytest.raises(CommandError, match="demo-jon is somebody here already"):
        call_command("seed")
    assert not Team.objects.filter(slug="demo-lines").exists()


def test_it_waits_no_longer_than_it_is_told(organism, quick, monkeypatch, capsys):
    monkeypatch.setattr(seed, "LOOK", 0.01)
    call_command("seed", wait=0.05)
    assert "run seed again" in capsys.readouterr().out
