"""Coming in: signing up, in and out, proving who one is, and not being told who else is here."""

import os
import re
import secrets
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core.cache import cache

from atlas.models import Change, ChangeSet, Contributor, Invitation, Membership, Role, User
from atlas.services import people, teams
from tests.atlas.web.reading import faults, page_of, read

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
HERS = {"username": "alice", "password": PASSWORD}
DORA = {
    "username": "dora",
    "citation_name": "Dora Marsh",
    "email": "dora@example.org",
    "password1": PASSWORD,
    "agreed": "on",
}
HOSTILE = ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "http:///evil.example")


@pytest.fixture(autouse=True)
def fresh_limits():
    """Attempts are counted in the cache, which outlives a test."""
    cache.clear()


@pytest.fixture
def curves(operator):
    """A team of the operator's."""
    return teams.found(actor=operator, slug="curves", name="The curve detectors")


@pytest.fixture
def invitation(operator, curves) -> str:
    """One into the team as annotator, for one person."""
    return teams.invite(actor=operator, team=curves, role=Role.ANNOTATOR)[1]


def link_in(mail) -> str:
    """The address that a mail asks to be opened."""
    found = re.search(r"https?://\S+", mail.body)
    return urlsplit(found[0]).path


def signed_up(client, **given):
    return client.post("/accounts/signup", DORA | given)


def counts() -> tuple[int, ...]:
    """How much there is of people."""
    return tuple(kind.objects.count() for kind in (User, Contributor, Membership, ChangeSet, Change))


class TestSigningUp:
    def test_by_invitation_makes_a_member_who_proves_their_address_first(self, client, invitation, curves, mailoutbox):
        page = read(client, f"/accounts/signup?invitation={invitation}")
        assert invitation in [one["value"] for one in page.all("input")]
        assert signed_up(client, invitation=invitation)["Location"] == "/accounts/email/sent"
        dora = User.objects.get(username="dora")
        assert (dora.email, dora.licence_agreed_at is not None) == ("dora@example.org", True)
        assert dora.contributor.citation_name == "Dora Marsh"
        assert Membership.objects.get(team=curves, contributor=dora.contributor).role == Role.ANNOTATOR
        [mail] = mailoutbox
        assert mail.to == ["dora@example.org"]
        hers = {"username": "dora@example.org", "password": PASSWORD}
        assert client.post("/accounts/login", hers)["Location"] == "/accounts/email/sent"
        assert faults(read(client, link_in(mail))) == []
        client.post(link_in(mail))
        assert client.post("/accounts/login", hers)["Location"] == "/"
        assert read(client, "/me").one("h1").text == "Dora Marsh dora"

    def test_to_the_service_itself_takes_no_team(self, client, operator):
        shown = teams.invite(actor=operator, team=None, role=None)[1]
        assert signed_up(client, invitation=shown).status_code == 302
        [space] = Membership.objects.filter(contributor__handle="dora")
        assert space.team.person_id == space.contributor_id

    @pytest.mark.parametrize("shown", ["", "inv_00000000_" + "0" * 32, "\x00", "inv_" + "é" * 20, "x" * 101])
    def test_without_one_that_holds_leaves_nothing(self, client, curves, shown):
        before = counts()
        response = signed_up(client, invitation=shown)
        page = page_of(response)
        assert response.status_code == 422
        assert "Dora Marsh" in [one["value"] for one in page.all("input")]
        assert PASSWORD not in response.content.decode()
        assert faults(page) == []
        assert counts() == before

    def test_an_invitation_is_used_once(self, client, invitation):
        signed_up(client, invitation=invitation)
        other = signed_up(client, username="emil", email="emil@example.org", invitation=invitation)
        assert other.status_code == 422
        assert not User.objects.filter(username="emil").exists()

    WRONG = (
        ({"username": "Dora"}, "lower-case"),
        ({"username": "alice"}, "Is in use."),
        ({"username": "former-1"}, "lower-case"),
        ({"username": "a\x00b"}, "Null"),
        ({"email": "dora"}, "valid email"),
        ({"password1": "short"}, "12 characters"),
        ({"password1": "password1234"}, "common"),
        ({"citation_name": " "}, "required"),
        ({"citation_name": "x" * 201}, "at most 200"),
        ({"agreed": ""}, "required"),
    )

    @pytest.mark.parametrize(("given", "says"), WRONG, ids=lambda it: str(it)[:40])
    def test_says_beside_the_field_what_is_wrong(self, client, user, invitation, given, says):
        before = counts()
        response = signed_up(client, invitation=invitation, **given)
        assert response.status_code == 422
        beside = [one.text for one in page_of(response).all("p") if "error" in one["class"]]
        assert any(says.lower() in one.lower() for one in beside), beside
        assert (counts(), Invitation.objects.get().uses_left) == (before, 1)

    def test_needs_no_invitation_where_it_is_open(self, client, settings):
        settings.SIGN_UP = "open"
        assert signed_up(client).status_code == 302
        assert User.objects.filter(username="dora").exists()

    def test_does_not_tell_that_an_address_is_known(self, client, user, settings, mailoutbox):
        settings.SIGN_UP = "open"
        User.objects.filter(pk=user.pk).update(email="alice@example.org")
        before = counts()
        known = signed_up(client, email="alice@example.org")
        unknown = signed_up(client)
        assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
        assert counts()[0] == before[0] + 1
        assert [mail.to for mail in mailoutbox] == [["alice@example.org"], ["dora@example.org"]]

    def test_who_is_here_already_takes_the_invitation_along(self, client, user, invitation, curves):
        client.force_login(user)
        onward = client.get(f"/accounts/signup?invitation={invitation}")["Location"]
        assert onward == f"/teams?invitation={invitation}"
        assert invitation in [one["value"] for one in read(client, onward).all("input")]
        assert client.post("/teams", {"invitation": invitation})["Location"] == "/teams/curves"
        assert Membership.objects.get(team=curves, contributor=user.contributor).role == Role.ANNOTATOR


class TestSigningIn:
    def test_by_handle_or_address(self, client, user):
        User.objects.filter(pk=user.pk).update(email="alice@example.org")
        for name in ("alice", "alice@example.org", "ALICE@example.org"):
            assert client.post("/accounts/login", HERS | {"username": name})["Location"] == "/"
            client.post("/accounts/logout")

    def test_a_closed_account_says_so_and_stays_closed(self, client, user):
        people.deactivate(actor=None, user=user)
        page = page_of(client.post("/accounts/login", HERS, follow=True))
        assert page.one("h1").text == "This account is closed"
        assert client.get("/me")["Location"] == "/accounts/login?next=%2Fme"

    def test_a_closed_account_looks_like_none_to_who_does_not_know_its_password(self, client, user):
        people.deactivate(actor=None, user=user)
        tried = [client.post("/accounts/login", {"username": one, "password": "wrong"}) for one in ("alice", "nobody")]
        assert len({re.sub("alice|nobody", "", page_of(one).text) for one in tried}) == 1

    @pytest.mark.parametrize("onward", HOSTILE)
    def test_never_leads_to_another_host(self, client, user, onward):
        assert client.post("/accounts/login", HERS | {"next": onward})["Location"] == "/"
        assert client.get("/accounts/login", {"next": onward})["Location"] == "/"

    def test_another_host_that_is_served_is_another_host_too(self, client, user, settings):
        settings.ALLOWED_HOSTS = ["testserver", "other.example"]
        settings.CSRF_TRUSTED_ORIGINS = ["https://trusted.example"]
        for onward in ("http://other.example/", "https://trusted.example/"):
            assert client.post("/accounts/login", HERS | {"next": onward})["Location"] == "/"
            client.post("/accounts/logout")

    def test_is_tried_a_few_times_only(self, client, user):
        wrong = HERS | {"password": "wrong"}
        answers = [client.post("/accounts/login", wrong) for _ in range(6)]
        assert "Too many" in page_of(answers[-1]).text
        assert client.post("/accounts/login", HERS).status_code == 422  # even with the right one, for a while

    def test_too_many_attempts_are_answered_as_a_problem(self, client, settings):
        settings.ACCOUNT_RATE_LIMITS = {"signup": "1/m/ip"}
        signed_up(client)
        response = signed_up(client)
        assert (response.status_code, response["Retry-After"]) == (429, "300")
        assert page_of(response).one("h1").text == "Too many attempts"
        document = client.post("/accounts/signup", DORA, headers={"accept": "application/json"})
        assert (document.status_code, document.json()["type"]) == (429, "/problems/too-many-attempts")


class TestAForgottenPassword:
    @pytest.fixture
    def known(self, user):
        User.objects.filter(pk=user.pk).update(email="alice@example.org")
        return user

    def test_is_replaced_by_a_link_that_works_once(self, client, known, mailoutbox):
        client.post("/accounts/password/reset", {"email": "alice@example.org"})
        link = link_in(mailoutbox[0])
        form = client.get(link)["Location"]
        assert faults(read(client, form)) == []
        chosen = {"password1": "another horse battery", "password2": "another horse battery"}
        assert client.post(form, chosen)["Location"] == "/accounts/password/reset/done"
        assert client.get("/me").status_code == 302  # a reset signs nobody in
        assert client.login(username="alice", password="another horse battery")
        assert ChangeSet.objects.filter(verb="person.choose-password").exists()
        client.logout()
        assert "New Password" not in page_of(client.get(link, follow=True)).text

    def test_does_not_tell_who_is_here(self, client, known, mailoutbox):
        for name in ("alice", "nobody"):
            response = client.post("/accounts/password/reset", {"email": f"{name}@example.org"})
            assert response["Location"] == "/accounts/password/reset/sent"
        assert [mail.to for mail in mailoutbox] == [["alice@example.org"]]

    def test_of_a_closed_account_stays_forgotten(self, client, known, mailoutbox):
        people.deactivate(actor=None, user=known)
        client.post("/accounts/password/reset", {"email": "alice@example.org"})
        assert mailoutbox == []


def test_another_address_counts_once_it_is_proved(client, user, mailoutbox):
    User.objects.filter(pk=user.pk).update(email="alice@example.org")
    client.post("/accounts/login", HERS)
    assert "alice@example.org" in read(client, "/accounts/email").text
    client.post("/accounts/email", {"email": "new@example.org", "action_add": "1"})
    user.refresh_from_db()
    assert user.email == "alice@example.org"
    assert faults(read(client, "/accounts/email")) == []
    link = next(link_in(mail) for mail in mailoutbox if mail.to == ["new@example.org"])
    client.post(link)
    user.refresh_from_db()
    assert user.email == "new@example.org"


def code_of(secret: str) -> str:
    """What an authenticator would show now."""
    return format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))


class TestASecondFactor:
    def test_is_asked_for_after_the_password(self, client, user):
        client.post("/accounts/login", HERS)
        assert client.get("/accounts/2fa/totp/activate")["Location"].startswith("/accounts/reauthenticate")
        assert faults(read(client, "/accounts/reauthenticate")) == []
        client.post("/accounts/reauthenticate", {"password": PASSWORD})
        page = read(client, "/accounts/2fa/totp/activate")
        assert faults(page) == []
        secret = next(one["value"] for one in page.all("input") if one["id"] == "authenticator_secret")
        assert client.post("/accounts/2fa/totp/activate", {"code": "000000"}).status_code == 422
        assert client.post("/accounts/2fa/totp/activate", {"code": code_of(secret)}).status_code == 302
        for address in (
            "/accounts/2fa",
            "/accounts/2fa/codes",
            "/accounts/2fa/codes/new",
            "/accounts/2fa/totp/deactivate",
        ):
            assert faults(read(client, address)) == [], address
        codes = next(one.text for one in read(client, "/accounts/2fa/codes").all("textarea")).split()
        assert len(codes) == 10
        client.post("/accounts/logout")
        assert client.post("/accounts/login", HERS)["Location"] == "/accounts/2fa/authenticate"
        assert client.get("/me").status_code == 302
        assert faults(read(client, "/accounts/2fa/authenticate")) == []
        assert client.post("/accounts/2fa/authenticate", {"code": "wrong"}).status_code == 422
        assert client.post("/accounts/2fa/authenticate", {"code": codes[0]})["Location"] == "/"
        client.post("/accounts/logout")
        client.post("/accounts/login", HERS)
        assert client.post("/accounts/2fa/authenticate", {"code": codes[0]}).status_code == 422  # once

    def test_goes_with_its_person(self, user):
        TOTP.activate(user, "A" * 32)
        people.erase(actor=None, user=user)
        assert not User.objects.exists()


ENTRANCES = ("/accounts/login", "/accounts/signup", "/accounts/password/reset", "/accounts/password/reset/sent",
             "/accounts/password/reset/done", "/accounts/password/reset/1-nothing", "/accounts/email/sent",
             "/accounts/email/nothing", "/accounts/inactive")  # fmt: skip
WITHIN = ("/accounts/email", "/accounts/2fa", "/accounts/password")


@pytest.mark.parametrize("address", [*ENTRANCES, *WITHIN])
def test_a_page_of_accounts_is_whole_and_kept_by_nobody(client, user, address):
    if address in WITHIN:
        client.force_login(user)
    response = client.get(address)
    assert faults(page_of(response)) == []
    assert response["Cache-Control"] == "no-store, private"
    assert "script-src 'self'" in response["Content-Security-Policy"]
    assert client.delete(address).status_code == 405


@pytest.mark.parametrize("address", WITHIN)
def test_what_is_ones_own_asks_who_one_is(client, address):
    assert client.get(address)["Location"].startswith("/accounts/login?next=")


def test_nothing_is_offered_that_is_not_set_up(client):
    assert "Or by another service" not in read(client, "/accounts/login").text


DEPLOYED = {"ATLAS_HTTPS": "1", "ATLAS_HOSTS": "atlas.example.org", "ATLAS_SECRET_KEY": secrets.token_urlsafe(50)}
ELSEWHERE = {
    "ATLAS_GITHUB": "id:secret",
    "ATLAS_ORCID": "id:secret",
    "ATLAS_OIDC_URL": "https://sso.example.org/realm",
    "ATLAS_OIDC_CLIENT": "id:secret",
    "ATLAS_OIDC_NAME": "Our institute",
}
SHOW = """
import django; django.setup()
from django.test import Client
page = Client(headers={"host": "localhost"}).get("/accounts/login")
print(page["Content-Security-Policy"], page.content.decode())
"""


def in_another_process(tmp_path, *command: str, **more: str) -> str:
    """What a fresh process with these settings says; it must succeed."""
    environment = {**os.environ, "ATLAS_HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "atlas.settings", **more}
    done = subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_django_finds_nothing_to_harden_where_https_is_on(tmp_path):
    said = in_another_process(tmp_path, "manage.py", "check", "--deploy", "--fail-level", "WARNING", **DEPLOYED)
    assert "no issues" in said


def test_services_that_vouch_are_offered_once_they_are_set_up(fresh_database, tmp_path):
    shown = in_another_process(tmp_path, "-c", SHOW, **ELSEWHERE, DJANGO_SETTINGS_MODULE="tests.settings")
    for button in ("GitHub", "ORCID", "Our institute"):
        assert f">{button}" in shown
    assert "form-action 'self' https://github.com https://orcid.org https://sso.example.org;" in shown
