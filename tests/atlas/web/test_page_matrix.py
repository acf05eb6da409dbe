"""Who sees and does what on the pages: every route, for everybody, on what is public, a team's own, and a draft.

As in the API's table, a route without a row fails. Pages under /accounts are about oneself alone, and name nobody else.
"""

import re

import pytest
from django.db import transaction
from django.test import Client

from atlas.models import Checkpoint, Job, Membership, Team
from atlas.services import people, teams, tokens
from atlas.web import urls
from tests.api.test_matrix import lab, named  # noqa: F401 - the team with a member of each role

pytestmark = pytest.mark.django_db

# nobody · the team's reader, annotator, reviewer, curator, admin · operator · stranger · a deactivated person's session
WHO = ("nobody", "reader", "annotator", "reviewer", "curator", "admin", "operator", "stranger", "gone")
OPEN = (200,) * 9
TEAMS = (404, 200, 200, 200, 200, 200, 200, 404, 404)  # what only the team reads; for all others it is not there
# Who is nobody is led to where one signs in.
OWN = (302, 200, 200, 200, 200, 200, 200, 200, 302)
MEMBERS = (302, 200, 200, 200, 200, 200, 200, 404, 302)
READ = {
    "": OPEN,
    "c": OPEN,
    "c/<str:slug>": TEAMS,
    "c/<str:slug>/<str:layer>": TEAMS,
    "c/<str:slug>/<str:layer>/<str:channel>": TEAMS,
    "c/new": (302, 403, 403, 403, 200, 200, 200, 403, 302),
    "j/<str:fingerprint>": TEAMS,
    "j/<str:fingerprint>/progress": TEAMS,
    "a/<str:name>": TEAMS,
    "me": OWN,
    "me/erase": OWN,
    "me/tokens": OWN,
    "teams": OWN,
    "teams/<str:slug>": MEMBERS,
    "u/<str:handle>": OPEN,
    "changes": OPEN,
    "problems": OPEN,
    "problems/<str:slug>": OPEN,
    "healthz": OPEN,
    "robots.txt": OPEN,
}
ADMINS = (302, 403, 403, 403, 403, 302, 302, 404, 302)
WRITE = {
    "c/<str:slug>/<str:layer>": (404, 403, 302, 302, 302, 302, 302, 404, 404),
    "c/<str:slug>/<str:layer>/<str:channel>": (404, 403, 302, 302, 302, 302, 302, 404, 404),
    "j/<str:fingerprint>/cancel": (404, 403, 302, 403, 302, 302, 302, 404, 404),
    "j/<str:fingerprint>/requeue": (404, 403, 403, 403, 302, 302, 302, 404, 404),
    "me": (302, 302, 302, 302, 302, 302, 302, 302, 302),
    "me/erase": (302, 302, 302, 302, 302, 302, 409, 302, 302),  # the last operator stays
    "me/tokens": (302, 201, 201, 201, 201, 201, 201, 201, 302),
    "me/tokens/<str:prefix>/revoke": (302, 404, 302, 404, 404, 404, 302, 404, 302),
    "teams": (302, 302, 302, 302, 302, 302, 302, 302, 302),
    "teams/<str:slug>/rename": ADMINS,
    "teams/<str:slug>/invite": (302, 403, 403, 403, 403, 201, 201, 404, 302),
    "teams/<str:slug>/invitations/<str:prefix>/revoke": ADMINS,
    "teams/<str:slug>/members/<str:handle>": ADMINS,
    "teams/<str:slug>/members/<str:handle>/remove": ADMINS,
}
# A file that is uploaded (POST /c/new) is judged in test_upload_pages.


def spelled(route) -> str:
    """A route as it is written here: without the forms that it comes in."""
    return re.sub(r"\^|\$|\(\?P<suffix>.*\)\?", "", str(route.pattern))


ROUTES = {spelled(route) for route in urls.urlpatterns if not spelled(route).startswith("accounts/")}


def at(route: str, places: dict[str, str]) -> str:
    """The address of a route."""
    about = {**places, "slug": "lab"} if route.startswith("teams") else places
    about = {**about, "slug": "not-found"} if route.startswith("problems") else about
    return "/" + re.sub(r"<str:(\w+)>", lambda found: about[found[1]], route)


def at_the_door(who: str) -> Client:
    """A browser of each kind."""
    client = Client()
    if who != "nobody":
        client.force_login(named(who).login)
    if who == "gone":
        people.deactivate(actor=None, user=named("gone").login)
    return client


def status_of(client: Client, address: str) -> int:
    """How a page answers; a file is read to its end, and so closed."""
    answer = client.get(address)
    b"".join(answer)
    return answer.status_code


def prepared(route: str, places: dict[str, str], who: str) -> tuple[dict[str, str], dict[str, object]]:
    """(places, form) with which posting to a route would succeed for who may."""
    team = Team.objects.get(slug="lab")
    annotator = named("annotator").login
    invitation, shown = teams.invite(actor=None, team=team, role=10)
    own = tokens.create(owner=annotator, name="mine", scopes=["read"])[0].prefix
    leaving = Membership.objects.get(team=team, contributor=named("leaving"))
    if route.endswith("requeue"):
        Job.objects.filter(fingerprint=places["fingerprint"]).update(state="failed")
    asking = {"probe": places["name"], "steps": "3", "seeds": "0", "rate": "0.5", "polarity": "both"}
    forms = {
        "c/<str:slug>/<str:layer>": asking,
        "c/<str:slug>/<str:layer>/<str:channel>": asking,
        "me": {"citation_name": "Another Name", "orcid": ""},
        "me/erase": {"handle": who},
        "me/tokens": {"name": "another", "scopes": ["read"], "days": 3},
        "teams": {"invitation": shown},
        "teams/<str:slug>/rename": {"name": "Renamed", "version_tag": team.version_tag},
        "teams/<str:slug>/invite": {"role": 10, "uses": 1, "days": 3},
        "teams/<str:slug>/members/<str:handle>": {"role": 20, "version_tag": leaving.version_tag},
    }
    prefix = own if route.startswith("me") else invitation.prefix
    return {**places, "prefix": prefix, "name": f"{places['sha256']}.png"}, forms.get(route, {})


def test_every_route_has_its_row():
    assert set(READ) | set(WRITE) == ROUTES


@pytest.mark.parametrize("who", WHO)
def test_everybody_reads_exactly_what_the_table_says(who, lab):  # noqa: F811
    places = {**lab, "name": f"{lab['sha256']}.png"}
    client, column = at_the_door(who), WHO.index(who)
    statuses = {route: status_of(client, at(route, places)) for route in READ}
    assert {route: status for route, status in statuses.items() if status != READ[route][column]} == {}


@pytest.mark.parametrize("who", WHO)
def test_everybody_writes_exactly_what_the_table_says(who, lab):  # noqa: F811
    """Each cell on the same world: what one form changed is rolled back before the next."""
    column, wrong = WHO.index(who), {}
    for route, row in WRITE.items():
        with transaction.atomic():
            places, form = prepared(route, lab, who)
            status = at_the_door(who).post(at(route, places), form).status_code
            transaction.set_rollback(True)
        if status != row[column]:
            wrong[route] = (status, row[column])
    assert wrong == {}


@pytest.mark.parametrize(
    ("visibility", "status", "row"),
    [
        ("public", "published", OPEN),
        ("public", "deprecated", OPEN),
        ("public", "draft", TEAMS),
        ("team", "published", TEAMS),
    ],
)
def test_a_checkpoint_is_read_as_its_owner_and_its_state_say(visibility, status, row, lab):  # noqa: F811
    """Its pages and its pictures; of a published one that is made a draft here, only who reads it is looked at."""
    Checkpoint.objects.filter(slug="secret").update(visibility=visibility, status=status)
    of_checkpoint = [route for route in READ if route.startswith(("c/<", "j/<", "a/<"))]
    places = {**lab, "name": f"{lab['sha256']}.png"}
    for who in WHO:
        client = at_the_door(who)
        found = {route: status_of(client, at(route, places)) for route in of_checkpoint}
        assert set(found.values()) == {row[WHO.index(who)]}, (who, found)
