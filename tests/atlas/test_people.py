"""People: a login may go, the contributor stays; a one-time password is good for choosing one's own."""

import pytest
from django.db import transaction
from django.db.models import ProtectedError

from atlas.models import ChangeSet, Contributor, Membership, Team, User
from atlas.permissions import is_operator
from atlas.services import people

pytestmark = pytest.mark.django_db


def test_joining_makes_a_contributor_a_login_and_a_personal_space(user, alice):
    assert alice.citation_name == "Alice Liddell"
    assert user.check_password("correct horse battery")
    assert Team.objects.get(person=alice).memberships.get().get_role_display() == "admin"
    assert ChangeSet.objects.get(verb="person.join").actor == alice


def test_erasing_the_login_leaves_the_contributor(user, alice):
    user.delete()
    assert Contributor.objects.filter(pk=alice.pk).exists()
    assert Membership.objects.filter(contributor=alice).exists()


def test_a_contributor_with_a_trace_cannot_be_deleted(alice):
    with pytest.raises(ProtectedError), transaction.atomic():
        alice.delete()


def test_the_operator_is_made_once_and_has_a_one_time_password_until_they_choose_one():
    operator, first = people.operator_with_password()
    assert is_operator(operator.contributor)
    again, second = people.operator_with_password()
    assert again == operator
    assert first != second
    assert User.objects.get().check_password(second)
    again.refresh_from_db()
    assert again.password_is_temporary
    people.choose_password(again, "a password of my own")
    assert people.operator_with_password() == (again, None)


def test_an_inactive_operator_operates_nothing(operator):
    operator.login.is_active = False
    assert not is_operator(operator)
    assert not is_operator(None)
