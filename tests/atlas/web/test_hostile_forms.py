"""Forms as nobody fills them in: whatever is posted to a page is refused or understood, and never breaks it."""

import re

import pytest
from django.test import Client

from atlas.models import Foothold, Membership, Team
from atlas.services import footholds, people, teams
from atlas.web.views.verbs import VERBS
from tests.api.conftest import rows
from tests.atlas.web.test_hardening import addresses

pytestmark = pytest.mark.django_db
FORM, PARTS = "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"
MISLEADING = ("\u202ex", "x\ufffe", "a" + "\u0301" * 12, "x\x00y", "\u200b")
TEXTS = (*MISLEADING, "x" * 100_000, "<script>alert(1)</script>", "=1+1")
BODIES = {
    "nothing": (b"", FORM),
    "invalid UTF-8": (b"name=%FF%FE&slug=\xff", FORM),
    "surrogate": (b"name=%ED%A0%80", FORM),
    "NUL": (b"name=%00&role=%00&invitation=%00&username=%00&version_tag=%00&days=%00&citation_name=%00", FORM),
    "1,100 fields": ("&".join(f"f{i}=1" for i in range(1_100)).encode(), FORM),
    "a field twice": (b"name=a&name=b&role=10&role=50", FORM),
    "two mebibytes": (b"name=" + b"x" * 2_000_000, FORM),
    "JSON": (b'{"name": "x"}', "application/json"),
    "text": (b"name=x", "text/plain"),
    "no parts": (b"", PARTS),
    "half a part": (b"--x\r\nContent-Disposition: form-data; name=name\r\n\r\nabc", PARTS),
    "a file": (
        b'--x\r\nContent-Disposition: form-data; name="name"; filename="../../x"\r\n\r\nabc\r\n--x--\r\n',
        PARTS,
    ),
    "no boundary": (b"abc", "multipart/form-data"),
    "another charset": (b"name=x", f"{FORM}; charset=utf-7"),
    "no charset": (b"name=x", f"{FORM}; charset=nope"),
    "numbers": (b"days=1e9&uses=-1&role=999999999999999999999&start=-1&before=1e3", FORM),
}
FIELDS = (
    "name", "citation_name", "version_tag", "invitation", "orcid", "role", "days", "uses", "handle", "scopes",
    "team", "version", "based_on", "verdict", "reason", "text", "rationale", "outcome", "into", "to", "rank",
    "summary", "method", "source", "title", "quote", "known", "job", "facet", "alt_text", "interpretation", "kind",
    "checkpoint", "content.title", "content.neuron", "content.body", "content.terms", "content.parameters",
    "content.confidence", "content.predictions", "content.claims.family", "slug", "label", "definition", "synonyms",
    "body", "reply_to", "level", "digest", "form", "username", "email", "password1", "password", "code", "login",
    "next", "probe", "params", "steps", "seeds",
)  # fmt: skip
THERE = (
    "/teams/curves/rename", "/teams/curves/invite", "/teams/curves/members/bob", "/c/toy/edges", "/c/toy/edges/1",
)  # fmt: skip


@pytest.fixture
def browser(user, alice, bob, checkpoint) -> Client:
    """Alice's, who leads a team of which Bob is a member."""
    team = teams.found(actor=None, slug="curves", name="Curves", admin=alice)
    Membership.objects.create(team=team, contributor=bob, role=10)
    content = {"neuron": "edges:1", "title": "A line"}
    footholds.create(actor=alice, kind="description", checkpoint=checkpoint, team=team, content=content)
    found = Client(raise_request_exception=False)
    found.force_login(user)
    return found


def posted() -> list[str]:
    """Every page, with what is there in its places; signing out would end the session, and being erased the person."""
    pages = [path for path in addresses() if not path.startswith("/api/")]
    verbs = ("edit", "evidence", "comments", "watch", *VERBS)
    claims = [f"/f/{it.accession}/{verb}" for it in Foothold.objects.all() for verb in verbs]
    there = [*THERE, *claims, "/f/new?kind=description&checkpoint=toy"]
    return [path for path in [*pages, *there] if not re.search("logout|/erase", path)]


@pytest.mark.parametrize("kind", BODIES)
def test_a_body_of_any_kind_breaks_no_page(kind, browser):
    body, content_type = BODIES[kind]
    before, anybody = rows(), Client(raise_request_exception=False)
    for path in posted():
        for client in (browser, anybody):
            answer = client.generic("POST", path, body, content_type)
            assert answer.status_code < 500, path
            assert b"Traceback" not in answer.content
    after = rows()
    kept = {"atlas_team", "atlas_user", "atlas_contributor", "atlas_membership", "atlas_token", "atlas_job"}
    assert {table: after[table] for table in kept} == {table: before[table] for table in kept}
    assert browser.get("/teams/curves").status_code == 200


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text)[:20])
def test_a_text_of_any_kind_breaks_no_page(text, browser):
    given = dict.fromkeys(FIELDS, text)
    for path in posted():
        answer = browser.post(path, given)
        assert answer.status_code < 500, path
        assert b"<script>alert" not in answer.content
    assert Team.objects.get(slug="curves").name == "Curves"


@pytest.mark.parametrize("text", MISLEADING, ids=lambda text: ascii(text)[:20])
def test_a_name_that_misleads_is_said_beside_its_field(text, browser, user):
    before = rows()
    tag = Team.objects.get(slug="curves").version_tag
    for path, given in {
        "/teams/curves/rename": {"name": text, "version_tag": tag},
        "/me": {"citation_name": text, "orcid": ""},
        "/me/tokens": {"name": text, "scopes": ["read"], "days": 3},
    }.items():
        answer = browser.post(path, given, headers={"accept": "text/html"})
        assert answer.status_code == 422, path
    assert rows() == before
    assert people.find("alice").contributor.citation_name == "Alice Liddell"
