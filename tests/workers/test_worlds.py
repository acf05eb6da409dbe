"""A drawn world in the record: registered once, item by item, so that its pixels can be drawn again or read."""

import io
from itertools import islice

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from atlas.errors import RegisteredDifferently
from atlas.models import Change, Dataset, DatasetItem
from atlas.services import artifacts
from workers import worlds
from workers.interp import encode
from workers.organisms.miniception import world

pytestmark = pytest.mark.django_db


@pytest.fixture
def small(monkeypatch):
    """Two pictures of each kind."""
    monkeypatch.setattr(world, "HELD_OUT_SIZE", 48)


def test_it_is_registered_once(small, capsys):
    call_command("register_world", "miniception")
    dataset = Dataset.objects.get()
    assert (dataset.slug, dataset.size, dataset.kind) == (world.SLUG, 48, "stimuli")
    assert dataset.labels[7] == "spotted crescent"
    assert dataset.digest in capsys.readouterr().out
    changes = Change.objects.count()
    call_command("register_world", "miniception")
    assert (Dataset.objects.get(), DatasetItem.objects.count(), Change.objects.count()) == (dataset, 48, changes)


def test_an_items_pixels_are_drawn_again_by_its_name_and_lie_in_its_picture(small):
    dataset = worlds.register(worlds.world_of("miniception"))
    for item in islice(dataset.items.all(), 3):
        seed, index = map(int, item.name.split("/"))
        again = world.picture(seed, index)
        with Image.open(io.BytesIO(artifacts.read(artifacts.find(item.artifact_id, actor=None)))) as image:
            assert np.array_equal(np.asarray(image), again.pixels)
        assert item.label == again.label
        assert item.digest == encode.digest(worlds.channels_first(again))


def test_a_world_that_has_changed_needs_another_slug(small, monkeypatch):
    worlds.register(world)
    monkeypatch.setattr(world, "HELD_OUT", 2_000_000)
    with pytest.raises(RegisteredDifferently, match=world.SLUG):
        worlds.register(world)


def test_a_checkpoint_without_a_world_is_refused_by_name():
    for organism in ("curve-circuit", "nobody"):
        with pytest.raises(CommandError, match=f"{organism} has no drawn world"):
            call_command("register_world", organism)
