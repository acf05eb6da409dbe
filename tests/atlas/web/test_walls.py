"""Which picture stands for a neuron where many are shown."""

import pytest

from atlas.dossiers.checkpoints import newest_pictures
from atlas.models import Job

pytestmark = pytest.mark.django_db
FIRST = ("edges", 0)


def shown() -> str:
    """The polarity of the first neuron's picture, and where its job stands."""
    job = newest_pictures(Job.objects.all())[FIRST]
    return f"{job.params['polarity']} {job.state}"


def test_a_neuron_stands_with_what_excites_it_as_far_as_there_is_such_a_picture(
    checkpoint, alice, ask_for, answer_jobs
):
    ask_for(checkpoint, alice, "edges:0", polarity="negative")
    assert shown() == "negative queued"
    answer_jobs()
    ask_for(checkpoint, alice, "edges:0", polarity="positive")
    assert shown() == "negative done"
    answer_jobs()
    assert shown() == "positive done"
    ask_for(checkpoint, alice, "edges:0", polarity="negative", steps=20)
    answer_jobs()
    assert shown() == "positive done"
    ask_for(checkpoint, alice, "edges:0", polarity="both")
    answer_jobs()
    assert shown() == "both done"
