"""Records never change: not by the ORM, not in bulk, not by raw SQL, on either engine, as owner or as serving role."""

import io
import os

import psycopg2
import pytest
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, transaction

from atlas.models import Arrangement, Checkpoint, FootholdArtifact, Layer, Neuron, Trial, UnitStatistics, Upload, guards
from atlas.models.checkpoints import IDENTITY
from atlas.models.guards import GUARDS
from atlas.services import drafts, jobs
from atlas.services import workers as presence
from atlas.services.checkpoints import read_card
from atlas.services.connections import Measured, writing
from atlas.services.jobs import Shown
from atlas.services.questions import ask
from tests.api.uploading import CARD
from tests.importing import stage
from tests.recording import STATISTICS


@pytest.fixture
def full(checkpoint, probe, alice, argued):
    """One row in every guarded table."""
    from atlas.services import artifacts, datasets

    [question] = ask(checkpoint=checkpoint, probe=probe.name, subjects=["edges:0"], site=None, params={}, many=False)
    jobs.request(actor=alice, checkpoint=checkpoint, questions=[question])
    worker = presence.start(device="cpu", versions={})
    [job] = jobs.claim(worker, limit=lambda head: 1, probes=[probe])
    picture = artifacts.keep(b"picture", media_type="image/png")
    edge = Measured("edges:0", "mixed:1", "expanded", norm=1.0, sign="+", share=0.5)
    jobs.finish(job, numbers={}, provenance={}, shown=[Shown("image", picture, {})], rows=writing(edge))
    Upload.objects.create(artifact=picture, uploaded_by=alice)
    Trial.objects.create(foothold=argued, job=job, by=alice)
    Arrangement.objects.create(foothold=argued, version=1, by=alice)
    FootholdArtifact.objects.create(foothold=argued, artifact=picture, since=1)
    stage(b'{"external_id": "a"}', actor=argued.created_by, team=argued.team)
    item = datasets.Item(digest="a" * 64, name="one")
    few = datasets.register(
        actor=None, slug="few", items=[item], kind="images", title="Few", licence="CC0-1.0", labels=[]
    )  # fmt: skip
    datasets.keep_spectrum(actor=None, dataset=few, spectrum=picture)
    UnitStatistics.objects.create(
        finding=job.finding, neuron=Neuron.objects.first(), dataset=few, site="pre_relu", **STATISTICS
    )


ANOTHER = {
    "CharField": "'x'",
    "DateTimeField": "'2000-01-01 00:00:00+00:00'",
    "JSONField": "'{\"x\": 1}'",
    "PositiveIntegerField": "77",
}


def changed(guard) -> str:
    """A statement that changes a frozen column."""
    fields = [field for field in guard.model._meta.concrete_fields if field.column in guard.frozen]
    field = next(field for field in fields if field.get_internal_type() in ANOTHER and not field.primary_key)
    return f'UPDATE "{guard.table}" SET "{field.column}" = {ANOTHER[field.get_internal_type()]}'


@pytest.mark.django_db
@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.table)
def test_raw_sql_cannot_change_a_record(guard, full):
    with (
        pytest.raises(DatabaseError, match=guards.MESSAGE),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(changed(guard))


@pytest.mark.django_db
@pytest.mark.parametrize("guard", [guard for guard in GUARDS if not guard.deletable], ids=lambda guard: guard.table)
def test_raw_sql_cannot_delete_a_record(guard, full):
    with (
        pytest.raises(DatabaseError, match=guards.MESSAGE),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f'DELETE FROM "{guard.table}"')


@pytest.mark.django_db
def test_bulk_writes_meet_the_guards_too(checkpoint):
    for write in (
        lambda: Layer.objects.update(key="other"),
        lambda: Layer.objects.all()._raw_delete("default"),
        lambda: Checkpoint.objects.filter(pk=checkpoint.pk).update(digest="0" * 64),
        lambda: Checkpoint.objects.all()._raw_delete("default"),
    ):
        with pytest.raises(DatabaseError, match=guards.MESSAGE), transaction.atomic():
            write()


@pytest.mark.django_db
def test_what_is_not_identity_may_change(checkpoint):
    assert Checkpoint.objects.filter(pk=checkpoint.pk).update(title="A better title", status="deprecated")


@pytest.fixture
def draft(registering, operator) -> Checkpoint:
    """An upload that is not registered yet."""
    asked = {"slug": "draft", "architecture": "a", "card": read_card(CARD), "weights": io.BytesIO(b"w"), "team": None}
    drafts.upload(actor=operator, sha256="f" * 64, **asked)
    return Checkpoint.objects.get(slug="draft")


@pytest.mark.django_db
def test_the_identity_of_a_draft_is_written_once(draft, checkpoint):
    known = {name: getattr(checkpoint, name) for name in IDENTITY} | {"digest": "d" * 64}
    row = Checkpoint.objects.filter(pk=draft.pk)
    for write in (
        lambda: row.update(slug="another"),
        lambda: row.update(status="published"),  # without an identity
        lambda: row.update(status="published", **{**known, "graph": None}),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            write()
    assert row.update(status="published", **known)
    for name in IDENTITY:
        with pytest.raises(DatabaseError, match=guards.MESSAGE), transaction.atomic():
            row.update(**{name: getattr(draft, name)})


@pytest.mark.django_db
def test_what_was_published_is_never_a_draft_again(checkpoint):
    """Its status may be set back by who passes by the services, but that opens nothing."""
    row = Checkpoint.objects.filter(pk=checkpoint.pk)
    assert row.update(status="draft")
    for write in (
        lambda: row.update(digest="0" * 64),
        lambda: row.update(digest=None),
        lambda: row._raw_delete("default"),
    ):
        with pytest.raises(DatabaseError, match=guards.MESSAGE), transaction.atomic():
            write()


@pytest.mark.django_db
def test_every_trigger_is_in_the_catalogue_and_a_lost_one_is_named():
    assert guards.missing(connection) == []
    on = ' ON "atlas_layer"' if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f'DROP TRIGGER "atlas_layer_never_changed"{on}')
    assert guards.missing(connection) == ["atlas_layer_never_changed"]
    guards.install(connection)
    assert guards.missing(connection) == []


def test_migrating_again_brings_lost_triggers_back(fresh_database):
    on = ' ON "atlas_layer"' if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f'DROP TRIGGER "atlas_layer_never_changed"{on}')
    call_command("migrate", verbosity=0)
    assert guards.missing(connection) == []


@pytest.mark.django_db
@pytest.mark.skipif("ATLAS_SERVING_ROLE" not in os.environ, reason="PostgreSQL with a serving role is not under test")
@pytest.mark.parametrize(
    "statement",
    ["ALTER TABLE atlas_layer DISABLE TRIGGER ALL", "DROP TABLE atlas_layer", "TRUNCATE atlas_layer CASCADE"],
)
def test_the_serving_role_cannot_take_the_guards_away(statement):
    settings = connection.settings_dict
    role = psycopg2.connect(
        host=settings["HOST"],
        port=settings["PORT"],
        dbname=settings["NAME"],
        user=os.environ["ATLAS_SERVING_ROLE"],
        password=os.environ["ATLAS_TEST_SERVING_PASSWORD"],
    )
    with role.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM atlas_layer")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute(statement)
    role.close()
