"""What a newcomer is shown: every shipped checkpoint and its world, one after the other, and nothing twice."""

import json

import pytest
import torch
from django.core.management import call_command

from atlas import canonical
from atlas.models import Checkpoint, Dataset, Job
from atlas.services import people
from atlas.services import workers as presence
from workers.interp import encode
from workers.management.commands import exhibit
from workers.organisms.miniception import world

pytestmark = pytest.mark.django_db


@pytest.fixture
def small(monkeypatch):
    """What ships, with a world of one picture of each kind, and a card that knows it."""
    monkeypatch.delenv("ATLAS_REAL_DATA", raising=False)
    monkeypatch.setattr(world, "HELD_OUT_SIZE", 24)
    pixels = [torch.from_numpy(one.pixels).permute(2, 0, 1) for _, one in world.held_out()]
    digest = canonical.sha256(sorted(encode.digest(one) for one in pixels))
    shipped = [(slug, path, json.loads(json.dumps(card))) for slug, path, card in exhibit.exhibits()]
    for slug, _, card in shipped:
        if slug == "miniception":
            card["figures"][0]["dataset"] = digest
    monkeypatch.setattr(exhibit, "exhibits", lambda: shipped)
    return digest


def test_all_that_ships_is_shown_once(small, organism, capsys):
    people.operator_with_password()
    call_command("exhibit")
    said = capsys.readouterr().out
    assert "/c/miniception" in said
    assert "miniception-world is registered" in said
    assert set(Checkpoint.objects.values_list("slug", flat=True)) >= {"curve-circuit", "miniception"}
    assert Dataset.objects.get().digest == small
    recording = Job.objects.get(probe__name="activations")
    assert (recording.subject_text, recording.dataset.digest, recording.priority) == ("*", small, 1)
    asked = Job.objects.count()
    call_command("exhibit")
    assert capsys.readouterr().out == "", "the second time there is nothing to say"
    assert Job.objects.count() == asked


def test_the_next_exhibit_waits_for_the_first_picture_while_a_worker_lives(organism, wish):
    [job] = wish(organism, "gabor:0")
    assert not exhibit.await_picture(organism), "nobody will answer"
    presence.start(device="cpu", versions={})
    assert not exhibit.await_picture(organism, patience=0.3), "but not for ever"
    wish(organism, "gabor:1")
    Job.objects.filter(pk=job.pk).update(state=Job.State.DONE)
    assert exhibit.await_picture(organism), "there is one"
