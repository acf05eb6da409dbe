"""Making people and letting them go: each person is a contributor, a login and a personal space."""

import re
import secrets

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from atlas import texts
from atlas.errors import LastOperator, NoSuchPerson, Validation
from atlas.models import (
    Byline,
    Contributor,
    ImportRow,
    InstanceRole,
    KeptAnswer,
    Membership,
    Notification,
    Role,
    SavedSearch,
    Team,
    UnsavedText,
    User,
    Watch,
)
from atlas.models.people import HANDLE, is_handle
from atlas.permissions import require
from atlas.services import answers, changes, indexing

PSEUDONYM = "former"
LONGEST_NAME = 200  # characters
LONGEST_TEAM_NAME = 120


def find(handle: str) -> User:
    """The login of this handle; raises NoSuchPerson."""
    user = User.objects.filter(contributor__handle=handle[:39]).select_related("contributor").first()
    if user is None:
        raise NoSuchPerson(handle=handle[:80])
    return user


@transaction.atomic
def sign_up(*, username: str, password: str, citation_name: str, email: str, agreed: bool) -> User:
    """A person who comes by themselves, and agrees that what they contribute is CC BY 4.0; raises Validation."""
    wanted = {"username": username, "password": password, "citation_name": citation_name}
    errors = faults_of(**wanted, email=email, agreed=agreed)
    if errors:
        raise Validation(errors=errors)
    name = texts.line(citation_name, at="/citation_name", longest=LONGEST_NAME)
    user = join(username=username, password=password, citation_name=name, email=email.strip())
    User.objects.filter(pk=user.pk).update(licence_agreed_at=timezone.now())
    user.refresh_from_db()
    return user


def faults_of(*, username: str, password: str, citation_name: str, email: str, agreed: bool) -> list[dict[str, str]]:
    """What keeps somebody from signing up like this; empty for nothing."""
    errors = [*_of_username(username), *_of_email(email), *_of_password(password, username=username)]
    errors += _of_name(citation_name)
    if not agreed:
        errors.append(_fault("agreed", "required", "What is contributed here is licensed CC BY 4.0; agree to that."))
    return errors


@transaction.atomic
def introduce(user: User, *, citation_name: str, orcid: str) -> Contributor:
    """Say how one is cited, and who one is at orcid.org; raises Validation."""
    errors = _of_name(citation_name)
    if orcid and not is_real_orcid(orcid):
        errors.append(_fault("orcid", "not-pattern", "Is no ORCID iD: four groups of four, the last one a check."))
    if errors:
        raise Validation(errors=errors)
    row = Contributor.objects.filter(pk=user.contributor_id)
    row.update(citation_name=texts.line(citation_name, at="/citation_name", longest=LONGEST_NAME), orcid=orcid)
    changes.record(user.contributor, "person.introduce", f"contributor:{user.contributor_id}")
    found = row.get()
    indexing.name_person(found)
    return found


@transaction.atomic
def choose_keys(*, actor: Contributor, single_keys: bool) -> None:
    """Say whether single keys do something on the pages one reads."""
    require(actor, "keys.choose", None)
    User.objects.filter(contributor=actor).update(single_keys=single_keys)


@transaction.atomic
def join(
    *, username: str, password: str, citation_name: str = "", email: str = "", role: str = InstanceRole.NONE
) -> User:
    """A new person: contributor, login and personal space, in which they are admin; raises Validation.

    Of two who take a name at the same moment the database says who was first.
    """
    name = citation_name or username
    contributor, is_free = Contributor.objects.get_or_create(handle=username, defaults={"citation_name": name})
    if not is_free:
        raise Validation(errors=[_taken("username")])
    user = User(username=username, email=email, contributor=contributor, instance_role=role)
    user.set_password(password)
    user.save()
    indexing.name_person(contributor)
    called = {"name": name[:LONGEST_TEAM_NAME], "person": contributor}
    space, is_free = Team.objects.get_or_create(slug=username, defaults=called)
    if not is_free:
        raise Validation(errors=[_taken("username")])
    Membership.objects.create(team=space, contributor=contributor, role=Role.ADMIN)
    changes.record(contributor, "person.join", f"contributor:{contributor.pk}")
    return user


@transaction.atomic
def admit(*, username: str, citation_name: str = "", email: str = "") -> tuple[User, str]:
    """A person whom the operator brings in, and the one-time password that lets them in; raises Validation."""
    errors = [*_of_username(username), *(_of_email(email) if email else [])]
    errors += _of_name(citation_name or username)
    if errors:
        raise Validation(errors=errors)
    user = join(username=username, password=secrets.token_urlsafe(32), citation_name=citation_name, email=email)
    return user, give_temporary_password(user)


@transaction.atomic
def give_temporary_password(user: User) -> str:
    """Set and return a password that its owner has to replace at the first login."""
    password = secrets.token_urlsafe(9)
    user.set_password(password)
    user.password_is_temporary = True
    user.save()
    changes.record(None, "person.temporary-password", f"contributor:{user.contributor_id}")
    return password


@transaction.atomic
def choose_password(user: User, password: str) -> None:
    """Replace the password by one that only its owner knows."""
    user.set_password(password)
    user.password_is_temporary = False
    user.save()
    changes.record(user.contributor, "person.choose-password", f"contributor:{user.contributor_id}")


@transaction.atomic
def deactivate(*, actor: Contributor | None, user: User) -> None:
    """Close a login: its sessions and tokens open nothing any more. Everything it wrote stays as it is."""
    if actor is not None:
        require(actor, "person.deactivate", user.contributor)
    _require_another_operator(user)
    if User.objects.filter(pk=user.pk, is_active=True).update(is_active=False):
        changes.record(actor, "person.deactivate", f"contributor:{user.contributor_id}")


@transaction.atomic
def reactivate(*, actor: Contributor | None, user: User) -> None:
    """Open a closed login again."""
    if actor is not None:
        require(actor, "person.deactivate", user.contributor)
    if User.objects.filter(pk=user.pk, is_active=False).update(is_active=True):
        changes.record(actor, "person.reactivate", f"contributor:{user.contributor_id}")


@transaction.atomic
def set_instance_role(*, user: User, role: str) -> None:
    """Make somebody moderator or operator of the service, or neither; at the command line only."""
    if role != InstanceRole.OPERATOR:
        _require_another_operator(user)
    User.objects.filter(pk=user.pk).update(instance_role=role)
    changes.record(None, "person.set-instance-role", f"contributor:{user.contributor_id}", role=role)


@transaction.atomic
def erase(*, actor: Contributor | None, user: User) -> Contributor:
    """Forget who somebody was: the login goes, and one stable pseudonym stands wherever their name stood.

    The contributor stays, and with it every word they wrote. Their teams go on without them.
    """
    person = user.contributor
    if actor is not None:
        require(actor, "person.erase", person)
    _require_another_operator(user)
    pseudonym = f"{PSEUDONYM}-{secrets.token_hex(4)}"
    name = f"Former contributor {pseudonym.removeprefix(f'{PSEUDONYM}-')}"
    handle, names = person.handle, {person.citation_name, *person.bylines.values_list("name", flat=True)}
    Membership.objects.filter(contributor=person, team__person=None).delete()
    Team.objects.filter(person=person).update(slug=pseudonym, name=name)
    Contributor.objects.filter(pk=person.pk).update(
        handle=pseudonym, citation_name=name, orcid="", erased_at=timezone.now()
    )
    Byline.objects.filter(contributor=person).update(name=name)
    KeptAnswer.objects.filter(contributor=person).delete()  # they say whose they are
    UnsavedText.objects.filter(contributor=person).delete()  # nobody was ever to read it but them
    SavedSearch.objects.filter(contributor=person).delete()
    Watch.objects.filter(contributor=person).delete()
    Notification.objects.filter(recipient=person).delete()
    ImportRow.objects.filter(batch__by=person, version=None).delete()  # nor what became no claim
    user.delete()
    changes.record(actor if actor != person else None, "person.erase", f"contributor:{person.pk}")
    person.refresh_from_db()
    indexing.name_person(person)
    answers.rename(person, handle=handle, names=names)
    return person


def operator_with_password(username: str = "operator") -> tuple[User, str | None]:
    """The instance's operator, made when missing, and a one-time password unless they have chosen their own."""
    user = User.objects.filter(username=username).first()
    if user is None:
        user = join(username=username, password=secrets.token_urlsafe(32), role=InstanceRole.OPERATOR)
    elif not user.password_is_temporary:
        return user, None
    return user, give_temporary_password(user)


def is_real_orcid(orcid: str) -> bool:
    """Whether it is written as on orcid.org and its last character checks the others (ISO 7064, MOD 11-2)."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{3}[0-9X]", orcid):
        return False
    total = 0
    for digit in orcid.replace("-", "")[:-1]:
        total = (total + int(digit)) * 2
    check = (12 - total % 11) % 11
    return orcid[-1] == ("X" if check == 10 else str(check))


def _require_another_operator(user: User) -> None:
    others = User.objects.filter(instance_role=InstanceRole.OPERATOR, is_active=True).exclude(pk=user.pk)
    if user.instance_role == InstanceRole.OPERATOR and not others.exists():
        raise LastOperator()


def _of_username(username: str) -> list[dict[str, str]]:
    if not re.match(HANDLE, username) or username.startswith(f"{PSEUDONYM}-"):
        return [_fault("username", "not-pattern", str(is_handle.message))]
    taken = Contributor.objects.filter(handle=username).exists() or Team.objects.filter(slug=username).exists()
    return [_taken("username")] if taken else []


def _taken(field: str) -> dict[str, str]:
    return _fault(field, "not-free", "Is in use.")


def _of_email(email: str) -> list[dict[str, str]]:
    try:
        validate_email(email.strip())
    except ValidationError:
        return [_fault("email", "not-email", "Is no e-mail address.")]
    taken = User.objects.filter(Q(email__iexact=email.strip())).exists()
    return [_taken("email")] if taken else []


def _of_name(citation_name: str) -> list[dict[str, str]]:
    return texts.faults_of_line(citation_name, at="/citation_name", longest=LONGEST_NAME)


def _of_password(password: str, *, username: str) -> list[dict[str, str]]:
    try:
        validate_password(password, User(username=username))
    except ValidationError as error:
        return [_fault("password", "too-weak", message) for message in error.messages]
    return []


def _fault(field: str, code: str, detail: str) -> dict[str, str]:
    return {"pointer": f"/{field}", "code": code, "detail": detail}
