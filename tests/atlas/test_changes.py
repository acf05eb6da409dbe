"""Every write to people's tables leaves its trace, whatever door it came through, numbered without a gap."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DatabaseError, connection, transaction

from atlas.acting import acting
from atlas.models import Change, ChangeSet, Contributor, Membership, Role, Team, User, traces
from atlas.services import people


def numbers() -> list[int]:
    return list(Change.objects.values_list("number", flat=True))


@pytest.mark.django_db
class TestTraces:
    def test_the_orm_leaves_its_trace(self, alice):
        with acting(lambda: alice.pk) as request:
            team = Team.objects.create(slug="curves", name="Curves")
            team.name = "The curve detectors"
            team.save()
            pk, _ = team.pk, team.delete()
        found = list(Change.objects.filter(table="team", row=pk))
        assert [change.kind for change in found] == ["insert", "update", "delete"]
        assert {change.actor_id for change in found} == {alice.pk}
        assert {change.request_id for change in found} == {request}
        assert {change.team_id for change in found} == {pk}
        assert found[1].changed == "name"

    def test_bulk_writes_leave_theirs(self, alice, bob):
        before = Change.objects.count()
        Contributor.objects.filter(pk__in=[alice.pk, bob.pk]).update(citation_name="N. N.")
        team = Team.objects.create(slug="curves", name="Curves")
        Membership.objects.bulk_create(Membership(team=team, contributor=one, role=Role.READER) for one in (alice, bob))
        kinds = list(Change.objects.values_list("table", "kind"))[before:]
        expected = [("contributor", "update")] * 2 + [("team", "insert")] + [("membership", "insert")] * 2
        assert kinds == expected

    def test_raw_sql_leaves_its_trace(self, alice):
        membership = Membership.objects.get(contributor=alice)
        with acting(lambda: alice.pk), connection.cursor() as cursor:
            cursor.execute('UPDATE "atlas_membership" SET "role" = 10 WHERE "id" = %s', [membership.pk])
        change = Change.objects.latest("number")
        assert (change.table, change.kind, change.changed) == ("membership", "update", "role")
        assert (change.before["role"], change.after["role"]) == (50, 10)
        assert change.actor == alice

    def test_outside_of_a_request_nobody_acts(self, alice):
        Team.objects.create(slug="curves", name="Curves")
        change = Change.objects.latest("number")
        assert (change.actor, change.request_id) == (None, None)

    def test_no_secret_and_no_name_stays_behind(self, user):
        user.set_password("canary-password")
        user.email = "canary@example.org"
        user.save()
        user.contributor.citation_name = "Canary"
        user.contributor.save()
        columns = set(Change.objects.filter(table="user").latest("number").changed.split())
        assert columns == {"password", "email"}
        kept = str(list(Change.objects.values_list("before", "after")))
        assert "anary" not in kept
        assert "alice" not in kept.lower()

    def test_truth_and_json_are_kept_as_such(self, user):
        user.is_active = False
        user.save()
        change = Change.objects.latest("number")
        assert (change.before["is_active"], change.after["is_active"]) == (True, False)

    def test_signing_in_is_no_change(self, user):
        before = numbers()
        User.objects.update(last_login="2026-01-01T00:00:00Z")
        assert numbers() == before

    def test_what_is_rolled_back_leaves_no_trace_and_no_gap(self, alice):
        before = len(numbers())
        with transaction.atomic():
            Team.objects.create(slug="never", name="Never")
            transaction.set_rollback(True)
        Team.objects.create(slug="curves", name="Curves")
        assert len(numbers()) == before + 1
        assert numbers() == list(range(1, before + 2))

    def test_a_checkpoint_is_public_or_its_teams(self, register):
        row = register()
        change = Change.objects.get(table="checkpoint", kind="insert")
        assert (change.row, change.public, change.after["slug"]) == (row.pk, True, "toy")

    def test_every_trigger_is_in_the_database_and_a_missing_one_is_noticed(self):
        assert traces.missing(connection) == []
        on = ' ON "atlas_team"' if connection.vendor == "postgresql" else ""
        with connection.cursor() as cursor:
            cursor.execute(f'DROP TRIGGER "atlas_team_traced_update"{on}')
        assert traces.missing(connection) == ["atlas_team_traced_update"]
        traces.install(connection)
        assert traces.missing(connection) == []

    def test_the_verb_and_its_rows_carry_one_request_id(self):
        with acting(lambda: None) as request:
            people.join(username="carol", password="correct horse battery")
        assert ChangeSet.objects.get(verb="person.join").request_id == request
        tables = set(Change.objects.filter(request_id=request).values_list("table", flat=True))
        assert tables == {"contributor", "user", "team", "membership"}


@pytest.mark.django_db
def test_a_trace_is_never_changed(alice):
    Team.objects.create(slug="curves", name="Curves")
    with pytest.raises(DatabaseError), transaction.atomic():
        Change.objects.update(kind="delete")


def test_eight_writers_leave_no_gap_and_readers_miss_nothing(fresh_database):
    """While eight threads write, a ninth follows `number > last`: in the end it has seen every change, in order."""
    done = threading.Event()

    def write(name: str) -> None:
        try:
            for count in range(15):
                with acting(lambda: None), transaction.atomic():
                    team = Team.objects.create(slug=f"{name}-{count}", name=name)
                    Team.objects.filter(pk=team.pk).update(name="again")
        finally:
            connection.close()

    def follow() -> list[int]:
        followed: list[int] = []
        try:
            while True:
                last = done.is_set()
                after = followed[-1] if followed else 0
                followed.extend(Change.objects.filter(number__gt=after).values_list("number", flat=True))
                if last:
                    return followed
        finally:
            connection.close()

    with ThreadPoolExecutor(9) as threads:
        reader = threads.submit(follow)
        try:
            list(threads.map(write, [f"writer-{index}" for index in range(8)]))
        finally:
            done.set()
    assert reader.result() == list(range(1, 8 * 15 * 2 + 1))
    assert Change.objects.count() == 8 * 15 * 2
