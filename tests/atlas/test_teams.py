"""Teams: nobody gives more than they have, an invitation is good for what it says, and no team is left headless."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from atlas.errors import (
    AboveYourRole,
    BadInvitation,
    Forbidden,
    LastAdmin,
    NoSuchMember,
    NoSuchTeam,
    PersonalSpace,
    Validation,
)
from atlas.models import Contributor, Invitation, Membership, Role, Team
from atlas.services import people, teams


@pytest.fixture
def team(alice, db) -> Team:
    """`curves`, led by Alice."""
    return teams.found(actor=None, slug="curves", name="Curves", admin=alice)


def role_of(person: Contributor, team: Team) -> int | None:
    found = Membership.objects.filter(team=team, contributor=person).first()
    return found.role if found else None


class TestFounding:
    def test_the_operator_founds_and_names_the_first_admin(self, operator, alice):
        team = teams.found(actor=operator, slug="curves", name=" Curves ", admin=alice)
        assert (team.name, role_of(alice, team), role_of(operator, team)) == ("Curves", Role.ADMIN, None)

    def test_nobody_else_does(self, alice):
        with pytest.raises(Forbidden):
            teams.found(actor=alice, slug="curves", name="Curves")

    @pytest.mark.parametrize(("slug", "pointer"), [("Curves", "/slug"), ("alice", "/slug"), ("c", "/slug")])
    def test_a_slug_is_free_and_well_formed(self, operator, alice, slug, pointer):
        with pytest.raises(Validation) as caught:
            teams.found(actor=operator, slug=slug, name="Curves")
        assert caught.value.errors[0]["pointer"] == pointer

    def test_a_team_is_known_to_its_members_and_operators_only(self, team, alice, bob, operator):
        assert teams.find("curves", actor=alice) == teams.find("curves", actor=operator) == team
        for stranger in (bob, None):
            with pytest.raises(NoSuchTeam):
                teams.find("curves", actor=stranger)


class TestInvitations:
    def test_an_invitation_gives_its_role_once(self, team, alice, bob, operator):
        invitation, shown = teams.invite(actor=alice, team=team, role=Role.REVIEWER)
        assert shown.startswith(f"inv_{invitation.prefix}_")
        assert shown not in str(vars(invitation))
        assert teams.accept(actor=bob, shown=shown).role == Role.REVIEWER
        with pytest.raises(BadInvitation):
            teams.accept(actor=operator, shown=shown)
        assert role_of(operator, team) is None

    def test_it_never_takes_a_higher_role_away(self, team, alice):
        _, shown = teams.invite(actor=alice, team=team, role=Role.READER)
        assert teams.accept(actor=alice, shown=shown).role == Role.ADMIN

    @pytest.mark.parametrize("role", [role for role in Role if role < Role.ADMIN])
    def test_only_admins_invite(self, team, bob, role):
        Membership.objects.create(team=team, contributor=bob, role=role)
        with pytest.raises(Forbidden):
            teams.invite(actor=bob, team=team, role=Role.READER)

    def test_what_the_inviter_lost_is_given_no_more(self, team, alice, bob):
        _, shown = teams.invite(actor=alice, team=team, role=Role.CURATOR)
        Membership.objects.filter(team=team, contributor=alice).update(role=Role.REVIEWER)
        with pytest.raises(BadInvitation):
            teams.accept(actor=bob, shown=shown)
        assert role_of(bob, team) is None
        assert Invitation.objects.get().uses_left == 1

    @pytest.mark.parametrize("late", [{"expires_at": timezone.now() - timedelta(seconds=1)}, {"uses_left": 0}])
    def test_a_late_or_used_up_one_opens_nothing(self, team, alice, bob, late):
        _, shown = teams.invite(actor=alice, team=team, role=Role.READER)
        Invitation.objects.update(**late)
        with pytest.raises(BadInvitation):
            teams.accept(actor=bob, shown=shown)

    def test_a_revoked_one_opens_nothing(self, team, alice, bob):
        invitation, shown = teams.invite(actor=alice, team=team, role=Role.READER)
        teams.revoke_invitation(actor=alice, team=team, prefix=invitation.prefix)
        with pytest.raises(BadInvitation):
            teams.accept(actor=bob, shown=shown)

    @pytest.mark.parametrize("shown", ["", "inv_", "inv_00000000_" + "0" * 32, "fh_x_y", "x" * 10_000, "inv_\x00"])
    def test_an_invented_one_opens_nothing(self, bob, shown):
        with pytest.raises(BadInvitation):
            teams.accept(actor=bob, shown=shown)

    @pytest.mark.parametrize(("more", "pointer"), [({"uses": 0}, "/uses"), ({"days": 91}, "/days")])
    def test_bounds_are_said(self, team, alice, more, pointer):
        with pytest.raises(Validation) as caught:
            teams.invite(actor=alice, team=team, role=Role.READER, **more)
        assert caught.value.errors[0]["pointer"] == pointer

    def test_a_personal_space_stays_one(self, alice):
        with pytest.raises(PersonalSpace):
            teams.invite(actor=alice, team=alice.personal_space, role=Role.READER)

    def test_the_service_itself_is_the_operators_to_invite_to(self, operator, alice, bob):
        _, shown = teams.invite(actor=operator, team=None, role=None)
        assert teams.accept(actor=bob, shown=shown) is None
        with pytest.raises(Forbidden):
            teams.invite(actor=alice, team=None, role=None)


class TestRoles:
    def test_an_admin_sets_roles(self, team, alice, bob):
        Membership.objects.create(team=team, contributor=bob, role=Role.READER)
        assert teams.set_role(actor=alice, team=team, member=bob, role=Role.CURATOR).role == Role.CURATOR

    def test_a_stranger_has_none_to_set(self, team, alice, bob):
        with pytest.raises(NoSuchMember):
            teams.set_role(actor=alice, team=team, member=bob, role=Role.CURATOR)

    @pytest.mark.parametrize(
        "deed",
        [
            lambda team, alice, operator: teams.remove(actor=alice, team=team, member=alice),
            lambda team, alice, operator: teams.remove(actor=operator, team=team, member=alice),
            lambda team, alice, operator: teams.set_role(actor=alice, team=team, member=alice, role=Role.READER),
        ],
        ids=["leaving", "removed", "stepping down"],
    )
    def test_the_last_admin_stays(self, team, alice, operator, deed):
        with pytest.raises(LastAdmin):
            deed(team, alice, operator)
        assert role_of(alice, team) == Role.ADMIN

    def test_with_another_admin_one_may_leave(self, team, alice, bob):
        Membership.objects.create(team=team, contributor=bob, role=Role.ADMIN)
        teams.remove(actor=alice, team=team, member=alice)
        assert role_of(alice, team) is None

    def test_members_leave_and_are_removed_by_admins_only(self, team, alice, bob):
        Membership.objects.create(team=team, contributor=bob, role=Role.CURATOR)
        with pytest.raises(Forbidden):
            teams.remove(actor=bob, team=team, member=alice)
        teams.remove(actor=bob, team=team, member=bob)
        assert role_of(bob, team) is None

    def test_nobody_leaves_their_own_space(self, alice):
        with pytest.raises(PersonalSpace):
            teams.remove(actor=alice, team=alice.personal_space, member=alice)

    def test_above_ones_role_nothing_is_given(self, team, alice, bob, monkeypatch):
        """Were curators allowed to set roles, they still could not make admins."""
        from atlas import permissions

        Membership.objects.create(team=team, contributor=bob, role=Role.CURATOR)
        rule = permissions.Rule("anybody", lambda actor, team: True, None)
        monkeypatch.setitem(permissions.RULES, "team.set-role", rule)
        with pytest.raises(AboveYourRole):
            teams.set_role(actor=bob, team=team, member=bob, role=Role.ADMIN)
        with pytest.raises(AboveYourRole):
            teams.set_role(actor=bob, team=team, member=alice, role=Role.READER)


def test_of_two_admins_who_leave_at_once_one_stays(fresh_database):
    """Twenty rounds of a race: whoever is last is told so."""
    for round_ in range(20):
        pair = [people.join(username=f"{name}{round_}", password="x").contributor for name in ("ann", "ben")]
        team = teams.found(actor=None, slug=f"team{round_}", name="Team", admin=pair[0])
        Membership.objects.create(team=team, contributor=pair[1], role=Role.ADMIN)
        told: list[Contributor] = []
        barrier = threading.Barrier(2)

        def leave(
            person: Contributor, team: Team = team, told: list = told, barrier: threading.Barrier = barrier
        ) -> None:
            try:
                barrier.wait()
                teams.remove(actor=person, team=team, member=person)
            except LastAdmin:
                told.append(person)
            finally:
                connection.close()

        leavers = [threading.Thread(target=leave, args=(person,)) for person in pair]
        for leaver in leavers:
            leaver.start()
        for leaver in leavers:
            leaver.join()
        assert len(told) == 1
        assert Membership.objects.get(team=team).contributor in told
