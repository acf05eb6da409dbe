"""Pages of people, keys, teams and changes: who sees what, who may write what, and that a refusal leaves nothing."""

import pytest

from atlas.dossiers import tellings as dossiers
from atlas.models import Change, ChangeSet, Contributor, Invitation, Membership, Role, Team, Token, User, traces
from atlas.services import footholds, people, teams, tokens
from atlas.web import tellings
from tests.atlas.web.reading import faults, page_of, read

pytestmark = pytest.mark.django_db

PAGES = ("/me", "/me/tokens", "/me/erase", "/teams", "/teams/curves")
# What each may do on the page of the team `curves`: the status of every write, for everybody who could try.
WRITES = {
    "/teams/curves/rename": {"name": "Curves", "version_tag": "curves.1"},
    "/teams/curves/invite": {"role": "10", "uses": "1", "days": "1"},
    "/teams/curves/members/tom": {"role": "10", "version_tag": "?"},
    "/teams/curves/members/tom/remove": {},
    "/teams/curves/invitations/{prefix}/revoke": {},
}
MAY = {"anybody": 302, "stranger": 404, "mel": 403, "ada": (201, 302), "operator": (201, 302)}


@pytest.fixture
def team(operator) -> Team:
    """`curves`: Ada leads it, Mel and Tom annotate in it, and one invitation is open."""
    ada, mel, tom = (
        people.join(username=name, password="x", email=f"{name}@example.org").contributor
        for name in ("ada", "mel", "tom")
    )
    people.join(username="stranger", password="x")
    row = teams.found(actor=operator, slug="curves", name="The curve detectors", admin=ada)
    for one in (mel, tom):
        Membership.objects.create(team=row, contributor=one, role=Role.ANNOTATOR)
    teams.invite(actor=ada, team=row, role=Role.READER)
    return row


@pytest.fixture
def come(client, team):
    """Come as one of these people."""

    def as_one(name: str):
        client.logout()
        if name != "anybody":
            client.force_login(User.objects.get(username=name))
        return client

    return as_one


def standing() -> tuple:
    """Everything a refused write could have changed."""
    invitations = Invitation.objects.values_list("prefix", "revoked_at", "uses_left")
    members = Membership.objects.values_list("team", "contributor", "role")
    kept = [sorted(map(repr, rows)) for rows in (invitations, members, Team.objects.values_list("name", "version"))]
    return (*kept, ChangeSet.objects.count(), Change.objects.count(), Token.objects.count())


@pytest.mark.parametrize("address", WRITES)
@pytest.mark.parametrize("who", MAY)
def test_a_team_is_changed_by_those_who_lead_it_only(come, team, who, address):
    client, given = come(who), dict(WRITES[address])
    tom = Membership.objects.get(contributor__handle="tom", team=team)
    given |= {"version_tag": tom.version_tag} if given.get("version_tag") == "?" else {}
    before = standing()
    response = client.post(address.format(prefix=Invitation.objects.get().prefix), given)
    allowed = MAY[who] if isinstance(MAY[who], tuple) else (MAY[who],)
    assert response.status_code in allowed
    assert (standing() == before) == (who not in ("ada", "operator"))
    assert client.get(address.format(prefix="x")).status_code == 405


@pytest.mark.parametrize("form", ["", ".json"])
def test_nobody_outside_learns_of_a_team(come, form):
    for who, status in (("stranger", 404), ("mel", 200), ("ada", 200), ("operator", 200)):
        client = come(who)
        here, nowhere = client.get(f"/teams/curves{form}"), client.get(f"/teams/nothing{form}")
        assert (who, here.status_code) == (who, status)
        assert nowhere.status_code == 404
        if status == 404:
            assert "curve detectors" not in here.content.decode()


def test_a_reader_of_the_page_sees_what_their_role_lets_them(come):
    for who, sees in (("mel", False), ("ada", True), ("operator", True)):
        client = come(who)
        page, twin = read(client, "/teams/curves"), client.get("/teams/curves.json").json()
        assert faults(page) == []
        assert ("mel@example.org" in page.text) == sees
        assert {one["email"] for one in twin["members"]} == (
            {f"{name}@example.org" for name in ("ada", "mel", "tom")} if sees else {None}
        )
        assert bool(twin["invitations"]) == sees
        assert ("Make an invitation" in page.text) == sees


@pytest.mark.parametrize("address", PAGES)
def test_pages_about_oneself_are_whole_and_ask_who_one_is(come, address):
    anybody = come("anybody")
    assert anybody.get(address)["Location"].startswith("/accounts/login?next=")
    assert anybody.get(address, headers={"accept": "application/json"}).status_code == 401
    response = come("ada").get(address)
    assert faults(page_of(response)) == []
    assert response["Cache-Control"] == "no-store, private"


def test_an_invitation_is_shown_once(come, team):
    client = come("ada")
    made = client.post("/teams/curves/invite", {"role": "20", "uses": "3", "days": "7"})
    page = page_of(made)
    assert faults(page) == []
    shown = next(one.text for one in page.all("code") if one["class"] == "secret").partition("invitation=")[2]
    row = teams.read_invitation(shown)
    assert (row.role, row.uses_left, row.invited_by.handle) == (20, 3, "ada")
    assert shown not in client.get("/teams/curves").content.decode()


WRONG = (
    ("invite", {"role": "20", "uses": "501", "days": "1"}),
    ("invite", {"role": "20", "uses": "-1", "days": "1"}),
    ("invite", {"role": "99", "uses": "1", "days": "1"}),
    ("invite", {"role": "20", "uses": "1e9", "days": "٣٣٣"}),
    ("rename", {"name": "", "version_tag": "curves.1"}),
    ("rename", {"name": "x" * 121, "version_tag": "curves.1"}),
    ("rename", {"name": "a\x00b", "version_tag": "curves.1"}),
    ("rename", {"name": "Late", "version_tag": "curves.0"}),
    ("members/mel", {"role": "20", "version_tag": "m0.0"}),
    ("members/ada", {"role": "20", "version_tag": "m0.0"}),
)


@pytest.mark.parametrize(("verb", "given"), WRONG)
def test_what_is_wrong_is_said_and_leaves_nothing(come, verb, given):
    client, before = come("ada"), standing()
    response = client.post(f"/teams/curves/{verb}", given)
    page = page_of(response)
    assert (response.status_code, faults(page), standing()) == (422, [], before)
    assert [one for one in page.all("p") if {"error", "fault"} & set(one["class"].split())]


def test_what_was_typed_into_a_refused_form_is_kept(come):
    page = page_of(come("ada").post("/teams/curves/invite", {"role": "30", "uses": "501", "days": "5"}))
    assert {"501", "5"} <= {one["value"] for one in page.all("input")}


def test_leaving_is_open_to_all_but_the_last_admin(come, team):
    assert come("mel").post("/teams/curves/members/mel/remove")["Location"] == "/teams"
    assert not Membership.objects.filter(team=team, contributor__handle="mel").exists()
    before = standing()
    assert come("ada").post("/teams/curves/members/ada/remove").status_code == 409
    assert standing() == before


class TestTokens:
    GIVEN = {"name": "nightly", "scopes": ["read", "compute"], "days": "30", "team": "curves"}

    def test_are_shown_once_and_work(self, come, client):
        page = page_of(come("mel").post("/me/tokens", self.GIVEN))
        assert faults(page) == []
        shown = next(one.text for one in page.all("code") if one["class"] == "secret")
        token = tokens.recognise(shown)
        assert (token.owner.username, token.scopes, token.team.slug) == ("mel", ["read", "compute"], "curves")
        assert shown not in client.get("/me/tokens").content.decode()
        assert shown not in client.get("/me/tokens.json").content.decode()
        assert client.post(f"/me/tokens/{token.prefix}/revoke")["Location"] == "/me/tokens"
        token.refresh_from_db()
        assert token.revoked_at is not None

    @pytest.mark.parametrize(
        "wrong",
        [{"scopes": []}, {"scopes": ["all"]}, {"days": "366"}, {"days": "0"}, {"name": ""}, {"team": "nothing"}],
    )
    def test_that_cannot_be_made_say_why_and_keep_what_was_typed(self, come, wrong):
        client, before = come("mel"), standing()
        response = client.post("/me/tokens", self.GIVEN | wrong)
        assert (response.status_code, faults(page_of(response)), standing()) == (422, [], before)

    def test_of_others_are_not_there(self, come, team):
        token, _ = tokens.create(owner=User.objects.get(username="ada"), name="a", scopes=["read"])
        assert come("mel").post(f"/me/tokens/{token.prefix}/revoke").status_code == 404
        token.refresh_from_db()
        assert token.revoked_at is None


class TestBearers:
    """A script reads pages by its token."""

    @pytest.fixture
    def shown(self, team):
        return tokens.create(owner=User.objects.get(username="mel"), name="a", scopes=["read"])[1]

    def test_read_what_their_owner_reads(self, client, shown):
        with_it = {"authorization": f"Bearer {shown}"}
        assert client.get("/teams/curves.json", headers=with_it).json()["team"]["slug"] == "curves"
        assert client.get("/me.json", headers=with_it).json()["scopes"] == ["read"]
        assert client.get("/teams/curves.json").status_code == 401

    @pytest.mark.parametrize(
        "header", ["Bearer nonsense", "Basic YTpi", "Bearer", "", "Bearer fh_00000000_" + "0" * 32]
    )
    @pytest.mark.parametrize("address", ["/", "/c.json", "/changes.json", "/accounts/login"])
    def test_that_are_none_are_refused_and_never_anonymous(self, client, header, address):
        response = client.get(address, headers={"authorization": header})
        assert (response.status_code, response.json()["type"]) == (401, "/problems/bad-credential")
        assert response["WWW-Authenticate"].startswith("Bearer")

    def test_write_no_pages(self, client, shown):
        with_it = {"authorization": f"Bearer {shown}"}
        before = standing()
        for address in ("/me", "/me/erase", "/me/tokens", "/teams", "/teams/curves/rename"):
            assert client.post(address, {"name": "x"}, headers=with_it).status_code == 405
        assert client.get("/me/tokens.json", headers=with_it).status_code == 403  # tokens see no tokens
        assert client.get("/me/erase", headers=with_it).status_code == 403
        assert standing() == before

    def test_without_the_scope_to_read_do_not(self, client, team):
        shown = tokens.create(owner=User.objects.get(username="mel"), name="a", scopes=["compute"])[1]
        response = client.get("/teams/curves.json", headers={"authorization": f"Bearer {shown}"})
        assert response.json()["type"] == "/problems/insufficient-scope"

    def test_of_one_team_read_of_no_other(self, client, team, operator):
        other = teams.found(actor=operator, slug="other", name="Other", admin=Contributor.objects.get(handle="mel"))
        mel = User.objects.get(username="mel")
        shown = tokens.create(owner=mel, name="a", scopes=["read"], team=other)[1]
        with_it = {"authorization": f"Bearer {shown}"}
        assert client.get("/teams/curves.json", headers=with_it).status_code == 404
        assert client.get("/teams/other.json", headers=with_it).status_code == 200


class TestOneself:
    def test_says_how_one_is_cited(self, client, user):
        client.force_login(user)
        given = {"citation_name": "A. Liddell", "orcid": "0000-0002-1825-0097"}
        assert client.post("/me", given)["Location"] == "/me"
        page = read(client, "/u/alice")
        assert page.one("h1").text == "A. Liddell alice"
        assert "https://orcid.org/0000-0002-1825-0097" in [one["href"] for one in page.all("a")]
        assert Change.objects.order_by("-number")[0].actor == user.contributor

    @pytest.mark.parametrize(
        "orcid", ["0000-0002-1825-0098", "0000", "https://evil.example", "<b>", "٠٠٠٠-0002-1825-0097"]
    )
    def test_by_no_orcid_that_is_none(self, client, user, orcid):
        client.force_login(user)
        response = client.post("/me", {"citation_name": "A. Liddell", "orcid": orcid})
        assert response.status_code == 422
        assert orcid in [one["value"] for one in page_of(response).all("input")]
        user.contributor.refresh_from_db()
        assert (user.contributor.citation_name, user.contributor.orcid) == ("Alice Liddell", "")

    def test_is_erased_once_the_handle_is_typed(self, client, user):
        client.force_login(user)
        for typed in ("", "bob", "ALICE", "alice "):
            if typed.strip() != "alice":
                assert client.post("/me/erase", {"handle": typed}).status_code == 422
        assert User.objects.filter(pk=user.pk).exists()
        onward = client.post("/me/erase", {"handle": "alice"})["Location"]
        assert onward.startswith("/u/former-")
        page = read(client, onward)
        assert "wished to be forgotten" in page.text
        assert "Alice" not in client.get(f"{onward}.json").content.decode()
        assert client.get("/u/alice").status_code == 404
        assert client.get("/me").status_code == 302

    def test_the_last_operator_stays(self, client, operator):
        client.force_login(operator.login)
        assert client.post("/me/erase", {"handle": "operator"}).status_code == 409
        assert User.objects.filter(username="operator").exists()


class TestChanges:
    def test_are_shown_newest_first_as_far_as_one_may_follow(self, come, team):
        seen = {who: come(who).get("/changes.json").json()["items"] for who in ("anybody", "mel", "ada", "operator")}
        numbers = {who: [one["number"] for one in items] for who, items in seen.items()}
        assert all(found == sorted(found, reverse=True) for found in numbers.values())
        of_the_team = set(Change.objects.filter(team=team).values_list("number", flat=True))
        for who, sees in (("anybody", False), ("mel", False), ("ada", True), ("operator", True)):
            assert set(numbers["anybody"]) <= set(numbers[who]) <= set(numbers["operator"])
            assert (who, of_the_team & set(numbers[who])) == (who, of_the_team if sees else set())
        assert faults(read(come("ada"), "/changes")) == []

    def test_are_told_in_words_with_what_they_were_about(self, argued, curator, operator, ana, client):
        """To each as far as they may read it; every traced table has its words."""
        footholds.withdraw(actor=ana, foothold=argued)
        client.force_login(operator.login)
        page = read(client, "/changes")
        items = [" ".join(one.text.split()) for one in page.all("li") if one["value"]]
        told = {item.split(maxsplit=2)[2] for item in items}
        assert told >= {
            "Version 2 of A curve written",
            "Verdict on A curve given",
            "Description A curve revised",
            "Description A curve withdrawn",
        }
        assert "atlas_" not in page.html
        assert {f"/f/{argued.accession}", "/t/curve", "/teams/lab"} <= {one["href"] for one in page.all("a")}
        tables = {trace.table.removeprefix("atlas_") for trace in traces.TRACES}
        assert tables == set(tellings.SAID) == {*dossiers.ABOUT, "term"}

    def test_are_paged_without_a_gap(self, client, db):
        for number in range(60):
            Contributor.objects.create(handle=f"c{number}", citation_name="x")
        first = client.get("/changes.json").json()
        rest = client.get(f"/changes.json?before={first['before']}").json()
        assert [one["number"] for one in first["items"] + rest["items"]] == list(range(60, 0, -1))
        assert rest["before"] is None

    @pytest.mark.parametrize("before", ["x", "-1", "٣", "1" * 19, "\x00", ""])
    def test_start_at_a_number(self, client, db, before):
        assert client.get("/changes", {"before": before}).status_code == 400


@pytest.mark.parametrize("handle", ["nobody", "%00", "x" * 300, "..", "alice%2F..", "<script>"])
def test_nobody_is_404_for_everybody(client, user, handle):
    assert client.get(f"/u/{handle}").status_code == (406 if handle == ".." else 404)  # what follows a dot is a form
    assert client.get(f"/u/{handle}.json").status_code in (404, 406)
