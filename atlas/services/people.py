"""Making people and teams: each person is a contributor, a login and a personal space."""

import secrets

from django.db import transaction

from atlas.models import Contributor, InstanceRole, Membership, Role, Team, User
from atlas.services import changes


@transaction.atomic
def join(*, username: str, password: str, citation_name: str = "", role: str = InstanceRole.NONE) -> User:
    """A new person: contributor, login and personal space, in which they are admin."""
    contributor = Contributor.objects.create(handle=username, citation_name=citation_name or username)
    user = User(username=username, contributor=contributor, instance_role=role)
    user.set_password(password)
    user.save()
    space = Team.objects.create(slug=username, name=contributor.citation_name, person=contributor)
    Membership.objects.create(team=space, contributor=contributor, role=Role.ADMIN)
    changes.record(contributor, "person.join", username)
    return user


@transaction.atomic
def give_temporary_password(user: User) -> str:
    """Set and return a password that its owner has to replace at the first login."""
    password = secrets.token_urlsafe(9)
    user.set_password(password)
    user.password_is_temporary = True
    user.save()
    changes.record(None, "person.temporary-password", user.username)
    return password


@transaction.atomic
def choose_password(user: User, password: str) -> None:
    """Replace the password by one that only its owner knows."""
    user.set_password(password)
    user.password_is_temporary = False
    user.save()
    changes.record(user.contributor, "person.choose-password", user.username)


def operator_with_password(username: str = "operator") -> tuple[User, str | None]:
    """The instance's operator, made when missing, and a one-time password unless they have chosen their own."""
    user = User.objects.filter(username=username).first()
    if user is None:
        user = join(username=username, password=secrets.token_urlsafe(32), role=InstanceRole.OPERATOR)
    elif not user.password_is_temporary:
        return user, None
    return user, give_temporary_password(user)
