"""Doctor: each check says OK, or what is wrong and what to do."""

import pytest
from django.db import connection

from atlas import health
from atlas.services import workers

pytestmark = pytest.mark.django_db


def verdict(name):
    return next(one for one in health.verdicts() if one.name == name)


def test_a_fresh_installation_lacks_only_a_worker_and_its_catalogue():
    sick = {one.name for one in health.verdicts() if not one.ok}
    assert sick == {"catalogue", "worker"}


def test_a_living_worker_and_a_published_probe_are_seen(probe):
    workers.start(device="cpu", versions={})
    assert verdict("worker").ok
    assert verdict("catalogue").found == "feature-visualization"


def test_a_lost_trigger_is_found_with_its_fix():
    on = ' ON "atlas_layer"' if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f'DROP TRIGGER "atlas_layer_never_deleted"{on}')
    found = verdict("triggers")
    assert "atlas_layer_never_deleted" in found.found
    assert found.fix == "run: manage.py migrate"


def test_an_artifact_folder_that_cannot_be_written_is_found(artifact_folder):
    artifact_folder.parent.mkdir(exist_ok=True)
    artifact_folder.write_text("a file where the folder should be")
    assert not verdict("storage").ok


def test_a_refused_checkpoint_is_named_with_the_reason(checkpoint):
    worker = workers.start(device="cpu", versions={})
    workers.report(worker, checkpoint, passed=False, detail="edges answers differently")
    assert "toy" in verdict("response check").found
    assert "edges answers differently" in verdict("response check").found
    workers.leave(worker)
    assert verdict("response check").ok, "a worker that is gone refuses nothing"


def test_a_broker_that_is_away_is_found(settings, free_port):
    settings.BROKER = f"redis://127.0.0.1:{free_port}/0"
    assert not verdict("broker").ok


def test_a_broker_that_answers_is_seen(settings, redis_url):
    settings.BROKER = redis_url
    assert verdict("broker").ok
