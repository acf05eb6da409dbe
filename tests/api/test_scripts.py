"""What scripts rely on: tokens, doing a thing once, waiting, limits, versions, and a feed that misses nothing."""

import pytest
from django.apps import apps
from django.core.cache import cache
from django.db import transaction
from django.test import override_settings

from atlas.models import Change, Job, KeptAnswer, Membership, Request, Role, Team, Token
from atlas.services import answers, people, teams, tokens
from tests.api.conftest import Api, question, rows
from tests.api.test_matrix import Script

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nobody_has_asked_yet():
    """Counting starts anew."""
    cache.clear()


@pytest.fixture
def script(user) -> Script:
    """Alice's script, which may read, write and compute."""
    return Script(tokens.create(owner=user, name="script", scopes=["read", "write", "compute"])[1])


class TestTokens:
    def test_a_token_is_shown_once_and_opens_what_it_says(self, as_alice):
        made = as_alice.post("tokens", {"name": "notebook", "scopes": ["compute", "read"], "days": 3})
        assert made["Cache-Control"] == "no-store"
        me = Script(made.json()["token"]).get("me").json()
        assert (me["handle"], me["scopes"]) == ("alice", ["compute", "read"])
        [listed] = as_alice.get("tokens").json()["items"]
        assert (listed["prefix"], listed["state"]) == (made.json()["prefix"], "active")
        assert made.json()["token"] not in as_alice.get("tokens").content.decode()

    def test_a_token_needs_no_csrf_token_and_leaves_the_trace_of_its_owner(self, world, script, alice):
        assert script.post("jobs", question(subject="edges:2")).status_code == 202
        assert Request.objects.latest("created_at").contributor == alice

    @pytest.mark.parametrize("scopes", [["write"], ["compute"], ["admin"]])
    def test_without_the_read_scope_nothing_is_read(self, world, user, scopes):
        blind = Script(tokens.create(owner=user, name="x", scopes=scopes)[1])
        for path in ("checkpoints", "me", "jobs"):
            answer = blind.get(path)
            assert (answer.status_code, answer.json()["type"]) == (403, "/problems/insufficient-scope")

    def test_revoked_is_revoked_at_once(self, world, script, as_alice):
        prefix = Token.objects.latest("id").prefix
        assert script.get("me").status_code == 200
        assert as_alice.ask("DELETE", f"tokens/{prefix}").status_code == 204
        assert script.get("checkpoints").json()["type"] == "/problems/token-revoked"

    def test_tokens_make_no_tokens(self, user):
        every = Script(tokens.create(owner=user, name="x", scopes=["read", "write", "admin"])[1])
        answer = every.post("tokens", {"name": "child", "scopes": ["read"]})
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/session-required")

    def test_no_secret_is_logged_or_answered(self, world, user, caplog):
        shown = tokens.create(owner=user, name="canary", scopes=["read"])[1]
        secret = shown.rpartition("_")[2]
        script = Script(shown)
        said = [script.get(path).content.decode() for path in ("me", "tokens", "changes", "nowhere", "jobs?x=1")]
        said += [script.post("tokens", {"name": shown, "scopes": ["nothing"]}).content.decode()]
        said += [Script(shown[:-1] + "~").get("me").content.decode()]
        assert secret not in "".join(said) + caplog.text


class TestOnce:
    def test_the_same_request_is_done_once_and_answered_twice(self, world, as_alice):
        first, second = (
            as_alice.post("jobs", question(subject="edges:3"), headers={"Idempotency-Key": "k-1"}) for _ in range(2)
        )
        assert (first.status_code, second.status_code) == (202, 202)
        assert first.json() == second.json()
        assert second["Idempotent-Replay"] == "true"
        assert second["Location"] == first["Location"]
        assert Job.objects.filter(subject_text="edges:3").count() == 1
        assert Request.objects.filter(jobs__subject_text="edges:3").count() == 1

    def test_another_request_under_the_same_key_is_refused(self, world, as_alice):
        as_alice.post("jobs", question(subject="edges:3"), headers={"Idempotency-Key": "k-1"})
        other = as_alice.post("jobs", question(subject="edges:2"), headers={"Idempotency-Key": "k-1"})
        assert (other.status_code, other.json()["type"]) == (422, "/problems/key-reused")

    def test_keys_are_ones_own(self, world, as_alice, as_bob):
        for api in (as_alice, as_bob):
            answer = api.post("jobs", question(subject="edges:3"), headers={"Idempotency-Key": "k-1"})
            assert "Idempotent-Replay" not in answer

    def test_an_answer_is_given_again_by_the_credential_it_was_given_to_only(self, world, user, as_alice):
        """Else a script that may only read would be handed what takes the scope to compute."""
        body = question(subject="edges:3")
        as_alice.post("jobs", body, headers={"Idempotency-Key": "k-1"})
        reader = Script(tokens.create(owner=user, name="x", scopes=["read"])[1])
        answer = reader.ask("POST", "jobs", body, headers={**reader.headers, "Idempotency-Key": "k-1"})
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/key-reused")

    def test_while_it_is_being_answered_it_is_in_conflict(self, world, as_alice, alice):
        body = question(subject="edges:3")
        as_alice.post("jobs", body, headers={"Idempotency-Key": "k-1"})
        KeptAnswer.objects.update(status=None)
        again = as_alice.post("jobs", body, headers={"Idempotency-Key": "k-1"})
        assert (again.status_code, again.json()["type"]) == (409, "/problems/key-in-flight")
        KeptAnswer.objects.update(created_at=KeptAnswer.objects.get().created_at - answers.ABANDONED * 2)
        assert as_alice.post("jobs", body, headers={"Idempotency-Key": "k-1"}).status_code == 200

    def test_a_refusal_leaves_the_key_free(self, world, as_alice):
        assert as_alice.post("jobs", question(subject="edges:99"), headers={"Idempotency-Key": "k"}).status_code == 422
        assert not KeptAnswer.objects.exists()

    @pytest.mark.parametrize("key", ["", " ", "a" * 201, "a b", "\xe9"])
    def test_a_key_is_visible_ascii(self, world, as_alice, key):
        answer = as_alice.post("jobs", question(subject="edges:3"), headers={"Idempotency-Key": key})
        assert (answer.status_code, answer.json()["type"]) == (400, "/problems/bad-key")

    def test_what_is_shown_once_is_kept_nowhere(self, world, as_alice):
        """Not even as the answer to be given again: these do not take a key, and each request makes another."""
        for path, wanted, secret in [
            ("tokens", {"name": "once", "scopes": ["read"]}, "token"),
            ("teams/circle/invitations", {"role": "reader"}, "invitation"),
        ]:
            made = [as_alice.post(path, wanted, headers={"Idempotency-Key": "k"}).json()[secret] for _ in range(2)]
            assert made[0] != made[1]
            for model in apps.get_models():
                kept = str(list(model._default_manager.values()))
                assert not [one for one in made if one.rpartition("_")[2] in kept], model

    def test_a_team_is_not_founded_twice(self, as_operator, alice):
        wanted = {"slug": "newest", "name": "The newest", "admin": "alice"}
        first, second = (as_operator.post("teams", wanted, headers={"Idempotency-Key": "k"}) for _ in range(2))
        assert (first.status_code, second.status_code) == (201, 201)
        assert first.json() == second.json()


class TestWaiting:
    def test_nobody_waits_longer_than_they_prefer(self, world, as_alice):
        answer = as_alice.get(f"jobs/{world.queued.fingerprint}", headers={"Prefer": "wait=0"})
        assert (answer.status_code, answer.json()["state"]) == (200, "queued")
        fresh = as_alice.post("jobs", question(subject="edges:3"), headers={"Prefer": "wait=0"})
        assert fresh.status_code == 202

    @pytest.mark.parametrize("said", ["", "wait", "wait=", "wait=soon", "wait=-1", "await=3", "x" * 5_000])
    def test_what_cannot_be_read_is_no_preference(self, world, as_alice, said):
        answer = as_alice.get(f"jobs/{world.queued.fingerprint}", headers={"Prefer": said})
        assert "Preference-Applied" not in answer


class TestLimits:
    def test_one_too_many_is_told_when_to_go_on(self, world, as_alice, as_bob):
        with override_settings(RATES={"read": 3, "write": 1, "compute": 1, "search": 1, "import": 1}):
            left = [as_alice.get("checkpoints")["RateLimit"].split(";")[1] for _ in range(3)]
            refused = as_alice.get("checkpoints")
            assert as_bob.get("checkpoints").status_code == 200, "others are not held back"
        assert left == ["r=2", "r=1", "r=0"]
        assert refused.status_code == 429
        assert 1 <= int(refused["Retry-After"]) <= 60

    def test_computing_is_counted_by_itself(self, world, as_alice):
        with override_settings(RATES={"read": 100, "write": 100, "compute": 1, "search": 1, "import": 1}):
            assert as_alice.post("jobs", question(subject="edges:2")).status_code == 202
            assert as_alice.post("jobs", question(subject="edges:3")).status_code == 429
            assert as_alice.get("jobs")["RateLimit-Policy"] == '"read";q=100;w=60'

    def test_a_counter_that_is_away_refuses_nobody(self, world, as_alice, free_port):
        away = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": f"redis://127.0.0.1:{free_port}"}
        with override_settings(CACHES={"default": away}):
            assert as_alice.get("checkpoints").status_code == 200


class TestVersions:
    @pytest.mark.parametrize(
        ("tag", "status"),
        [
            (None, 428),
            ("*", 428),
            ('W/"circle.1"', 412),
            ('"circle.0"', 412),
            ("circle.1", 400),
            ('"circle.1", "circle.2"', 400),
            ('"' + "a" * 300 + '"', 400),
            ('"circle.1"', 200),
        ],
    )
    def test_an_edit_names_the_version_it_saw(self, world, as_alice, tag, status):
        headers = {} if tag is None else {"If-Match": tag}
        assert as_alice.ask("PATCH", "teams/circle", {"name": "New"}, headers=headers).status_code == status
        assert Team.objects.get(slug="circle").name == ("New" if status == 200 else "The circle")

    def test_of_two_edits_of_one_version_one_wins(self, world, as_alice):
        tag = f'"{as_alice.get("teams/circle").json()["version_tag"]}"'
        first, second = (
            as_alice.ask("PATCH", "teams/circle", {"name": name}, headers={"If-Match": tag}) for name in ("One", "Two")
        )
        assert (first.status_code, second.status_code) == (200, 412)
        assert second.json()["current"] == first.json()["version_tag"]
        assert Team.objects.get(slug="circle").name == "One"


class TestTeams:
    def test_an_invitation_brings_somebody_in(self, world, as_alice, as_bob, bob):
        shown = as_alice.post("teams/circle/invitations", {"role": "reviewer"}).json()["invitation"]
        joined = as_bob.post("me/memberships", {"invitation": shown})
        assert (joined.status_code, joined.json()["role"]) == (201, "reviewer")
        again = as_bob.post("me/memberships", {"invitation": shown})
        assert (again.status_code, again.json()["type"]) == (422, "/problems/bad-invitation")

    def test_mail_addresses_are_for_admins(self, world, as_alice, user, bob, as_bob):
        type(user).objects.filter(pk=user.pk).update(email="alice@example.org")
        Membership.objects.create(team=Team.objects.get(slug="circle"), contributor=bob, role=Role.CURATOR)
        assert b"alice@example.org" in as_alice.get("teams/circle/members").content
        assert b"alice@example.org" not in as_bob.get("teams/circle/members").content

    def test_the_last_admin_is_told_so(self, world, as_alice):
        answer = as_alice.ask("DELETE", "teams/circle/members/alice")
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/last-admin")

    def test_one_leaves_by_oneself(self, world):
        carol = Api(people.find("carol"))
        assert carol.ask("DELETE", "teams/circle/members/carol").status_code == 204
        assert carol.get("teams/circle").status_code == 404


class TestChanges:
    def test_the_feed_is_walked_without_a_gap(self, world, as_operator):
        walked = [change["number"] for change in as_operator.walk("changes?limit=3")]
        assert walked == list(range(1, Change.objects.count() + 1))
        assert as_operator.get(f"changes?after={walked[-2]}").json()["items"][0]["number"] == walked[-1]

    def test_strangers_follow_what_is_public_and_curators_their_team(self, world, anybody, as_bob, as_alice):
        teams_seen = [{it["table"] for it in api.walk("changes")} for api in (anybody, as_bob, as_alice)]
        about_claims = {"foothold", "revision", "support", "comment", "commentversion", "term"}
        assert teams_seen[0] == {"contributor", "checkpoint", "dataset", *about_claims}
        assert "membership" in teams_seen[1]  # of Bob's own space
        of_circle = Team.objects.get(slug="circle").pk
        numbers = set(Change.objects.filter(team=of_circle).values_list("number", flat=True))
        assert numbers <= {it["number"] for it in as_alice.walk("changes")}
        assert not numbers & {it["number"] for it in as_bob.walk("changes")}

    def test_a_change_by_the_api_names_who_and_in_which_request(self, world, as_alice):
        answer = as_alice.ask("PATCH", "teams/circle", {"name": "New"}, headers={"If-Match": '"circle.1"'})
        [change] = [it for it in as_alice.walk("changes") if it["table"] == "team" and it["kind"] == "update"]
        assert (change["actor"], change["request_id"]) == ("alice", answer["X-Request-ID"])
        assert change["changed"] == ["name", "version"]

    def test_a_change_by_a_script_names_its_owner(self, world, user):
        admin = Script(tokens.create(owner=user, name="x", scopes=["read", "admin"])[1])
        admin.ask("PATCH", "teams/circle", {"name": "New"}, headers={"If-Match": '"circle.1"'})
        assert Change.objects.filter(table="team", kind="update").latest("number").actor == user.contributor


def test_what_is_refused_changes_nothing(world, as_bob):
    before = rows()
    for method, path, body in [
        ("POST", "teams", {"slug": "mine", "name": "Mine"}),
        ("PATCH", "teams/circle", {"name": "Mine"}),
        ("DELETE", "teams/circle/members/carol", None),
        ("POST", "teams/circle/invitations", {"role": "admin"}),
        ("DELETE", f"tokens/{world.prefix}", None),
        ("POST", "me/memberships", {"invitation": "inv_00000000_" + "0" * 32}),
    ]:
        with transaction.atomic():
            assert as_bob.ask(method, path, body).status_code in (403, 404, 422)
    assert rows() == before
    assert teams.find("circle", actor=world.done.requests.first().contributor).name == "The circle"
