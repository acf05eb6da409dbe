"""Who sees and does what on the pages: every route, for everybody, on what is public, a team's own, and a draft.

As in the API's table, a route without a row fails. Pages under /accounts are about oneself alone, and name nobody else.
"""

import re

import pytest
from django.db import transaction
from django.test import Client

from atlas.models import Checkpoint, Foothold, Job, Membership, Team
from atlas.services import people, teams, tokens
from atlas.web import urls
from atlas.web.views.verbs import VERBS
from tests.api.test_matrix import about_claims as api_bodies
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
    "f": OPEN,
    "f/new": OWN,
    "f/suggest": OWN,
    "f/<str:accession>": TEAMS,
    "f/<str:accession>/edit": (302, 403, 200, 200, 200, 200, 200, 404, 302),
    "f/<str:accession>/history": TEAMS,
    "f/<str:accession>/diff/<str:between>": TEAMS,
    "f/<str:accession>/v<str:version>": TEAMS,
    "f/<str:accession>/v<str:version>/graph<str:form>": TEAMS,
    # The claim of the table is no circuit.
    "f/<str:accession>/inputs": (302, 403, 404, 404, 404, 404, 404, 404, 302),
    "agreement": TEAMS,
    "firing": TEAMS,
    "compare": TEAMS,
    "t": OPEN,
    "t/<str:term>": OPEN,
    "j/<str:fingerprint>": TEAMS,
    "j/<str:fingerprint>/progress": TEAMS,
    "j/<str:fingerprint>/evidence": MEMBERS,
    "a/<str:name>": TEAMS,
    "figures/<str:sha256>": TEAMS,
    "j/<str:fingerprint>/plots/<str:name>": (404,)
    * 9,  # of a question without an answer; others are judged in test_figures
    "d": OPEN,
    "d/new": (302, 403, 403, 403, 200, 200, 200, 403, 302),
    "d/<str:digest>": TEAMS,
    "me": OWN,
    "me/erase": OWN,
    "me/notifications": OWN,
    "me/searches": OWN,
    # Shared with the team; an operator is no member of it.
    "me/searches/<str:search>/new": (302, 200, 200, 200, 200, 200, 404, 404, 302),
    "me/tokens": OWN,
    "teams": OWN,
    "teams/<str:slug>": MEMBERS,
    "imports": OWN,
    "imports/new": OWN,
    "imports/<str:import_id>": (302, 404, 200, 200, 200, 200, 200, 404, 302),
    "u/<str:handle>": OPEN,
    "changes": OPEN,
    "review": OWN,
    "unsent": OWN,
    "search": OPEN,
    "search/suggestions": OPEN,
    "resolve": OPEN,
    "keyboard": OPEN,
    "problems": OPEN,
    "problems/<str:slug>": OPEN,
    "healthz": OPEN,
    "readyz": OPEN,
    "metrics": (404,) * 9,  # the settings of the tests have no token for it
    "workers": (302, 403, 403, 403, 200, 200, 200, 403, 302),
    "robots.txt": OPEN,
}
ADMINS = (302, 403, 403, 403, 403, 302, 302, 404, 302)
ANNOTATORS = (302, 403, 302, 302, 302, 302, 302, 404, 302)
CURATORS = (302, 403, 403, 403, 302, 302, 302, 404, 302)
AUTHOR = (302, 403, 302, 403, 403, 403, 403, 404, 302)
# The annotator staged it; for the reader it is not there.
STAGED = (302, 404, 302, 403, 302, 302, 302, 404, 302)
WRITE = {
    "c/<str:slug>/<str:layer>": (404, 403, 302, 302, 302, 302, 302, 404, 404),
    "c/<str:slug>/<str:layer>/<str:channel>": (404, 403, 302, 302, 302, 302, 302, 404, 404),
    "c/<str:slug>/<str:layer>/<str:channel>/estimate": (404, 403, 200, 200, 200, 200, 200, 404, 404),
    "f/preview": OWN,
    "f/new": (302, 403, 302, 302, 302, 302, 302, 404, 302),
    "f/<str:accession>/edit": ANNOTATORS,
    "f/<str:accession>/arrange": ANNOTATORS,
    "f/<str:accession>/inputs": (302, 403, 404, 404, 404, 404, 404, 404, 302),
    # A reader writes in their own space, which says nothing of a team's own checkpoint.
    "f/<str:accession>/evidence": (302, 422, 302, 302, 302, 302, 302, 404, 302),
    "f/<str:accession>/detach": ANNOTATORS,
    "f/<str:accession>/restore": ANNOTATORS,
    # A draft, which a reader may not know of.
    "f/<str:accession>/propose": (302, 404, 302, 302, 302, 302, 302, 404, 302),
    "f/<str:accession>/test": ANNOTATORS,
    # The annotator wrote it, and is no reviewer; an operator reviews for no team.
    "f/<str:accession>/review": (302, 403, 403, 302, 302, 302, 403, 404, 302),
    "f/<str:accession>/recant": (302, 403, 403, 302, 302, 302, 403, 404, 302),
    "f/<str:accession>/reinstate": (302, 403, 302, 403, 403, 403, 403, 404, 302),
    "f/<str:accession>/withdraw": (302, 403, 302, 403, 403, 403, 403, 404, 302),
    "f/<str:accession>/retract": CURATORS,
    "f/<str:accession>/merge": CURATORS,
    "f/<str:accession>/rank": CURATORS,
    "f/<str:accession>/publish": CURATORS,
    "f/<str:accession>/resolve": CURATORS,
    "f/<str:accession>/moderate": (302, 403, 403, 403, 403, 403, 302, 404, 302),
    # Everybody annotates in a space of their own.
    "t": (302, 302, 302, 302, 302, 302, 302, 302, 302),
    "t/<str:term>/rename": (302, 403, 403, 403, 302, 302, 302, 403, 302),
    "t/<str:term>/merge": (302, 403, 403, 403, 302, 302, 302, 403, 302),
    "c/<str:slug>/<str:layer>/<str:channel>/watch": (302, 302, 302, 302, 302, 302, 302, 404, 302),
    "f/<str:accession>/comments": (302, 403, 302, 302, 302, 302, 302, 404, 302),
    "f/<str:accession>/comments/<str:number>/edit": AUTHOR,
    "f/<str:accession>/comments/<str:number>/remove": AUTHOR,
    "f/<str:accession>/comments/<str:number>/put-back": AUTHOR,
    "f/<str:accession>/comments/<str:number>/resolve": ANNOTATORS,
    "f/<str:accession>/comments/<str:number>/reopen": ANNOTATORS,
    "f/<str:accession>/comments/<str:number>/moderate": (302, 403, 403, 403, 403, 403, 302, 404, 302),
    "f/<str:accession>/watch": (302, 302, 302, 302, 302, 302, 302, 404, 302),
    "j/<str:fingerprint>/cancel": (404, 403, 302, 403, 302, 302, 302, 404, 404),
    # It is not answered yet, so that nobody can use it; who reads it is told so.
    "j/<str:fingerprint>/evidence": (302, 422, 422, 422, 422, 422, 422, 404, 302),
    "review": (302, 403, 403, 302, 302, 302, 403, 404, 302),
    "unsent": (302, 302, 302, 302, 302, 302, 302, 302, 302),
    "j/<str:fingerprint>/requeue": (404, 403, 403, 403, 302, 302, 302, 404, 404),
    "me": (302, 302, 302, 302, 302, 302, 302, 302, 302),
    "me/keyboard": (302, 302, 302, 302, 302, 302, 302, 302, 302),
    "me/searches": (302, 302, 302, 302, 302, 302, 302, 302, 302),
    "me/searches/<str:search>/run": (302, 302, 302, 302, 302, 302, 404, 404, 302),
    "me/searches/<str:search>/remove": (302, 404, 302, 404, 404, 404, 404, 404, 302),
    "me/erase": (302, 302, 302, 302, 302, 302, 409, 302, 302),  # the last operator stays
    "me/notifications": (302, 302, 302, 302, 302, 302, 302, 302, 302),
    "me/notifications/read": (302, 302, 302, 302, 302, 302, 302, 302, 302),
    "me/tokens": (302, 201, 201, 201, 201, 201, 201, 201, 302),
    "me/tokens/<str:prefix>/revoke": (302, 404, 302, 404, 404, 404, 302, 404, 302),
    "imports/<str:import_id>/judge": STAGED,
    "imports/<str:import_id>/commit": STAGED,
    "imports/<str:import_id>/discard": STAGED,
    "imports/<str:import_id>/undo": STAGED,
    "imports/<str:import_id>/redo": STAGED,
    "teams": (302, 302, 302, 302, 302, 302, 302, 302, 302),
    "teams/<str:slug>/rename": ADMINS,
    "teams/<str:slug>/review": ADMINS,
    "teams/<str:slug>/invite": (302, 403, 403, 403, 403, 201, 201, 404, 302),
    "teams/<str:slug>/invitations/<str:prefix>/revoke": ADMINS,
    "teams/<str:slug>/members/<str:handle>": ADMINS,
    "teams/<str:slug>/members/<str:handle>/remove": ADMINS,
}
# A file that is uploaded (POST /c/new, /d/new, /imports/new) is judged in test_upload_pages, test_dataset_pages and
# test_import_pages.


def spelled(route) -> str:
    """A route as it is written here: without the forms that it comes in."""
    return re.sub(r"\^|\$|\(\?P<suffix>.*\)\?", "", str(route.pattern))


ROUTES = {spelled(route) for route in urls.urlpatterns if not spelled(route).startswith("accounts/")}


def at(route: str, places: dict[str, str]) -> str:
    """The address of a route."""
    places = {**places, "between": "1..2", "form": ".dot"}
    about = {**places, "slug": "lab"} if route.startswith("teams") else places
    about = {**about, "slug": "not-found"} if route.startswith("problems") else about
    asked = "?checkpoint=secret" if route in ("agreement", "firing") else ""
    asked = "?a=secret/edges/0&b=edges:1" if route == "compare" else asked
    return "/" + re.sub(r"<str:(\w+)>", lambda found: about[found[1]], route) + asked


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
        "c/<str:slug>/<str:layer>/<str:channel>/estimate": asking,
        "me": {"citation_name": "Another Name", "orcid": ""},
        "me/erase": {"handle": who},
        "me/notifications": {"digest": "never"},
        "me/searches": {"name": "Lines", "query": "line OR edge"},
        "f/<str:accession>/comments": {"body": "So it is.", "version": "1", "quote": "A curve", "reply_to": "1"},
        "f/<str:accession>/comments/<str:number>/edit": {
            "body": "So it is not.",
            "version_tag": f"{places['accession']}.c1.1",
        },
        "f/<str:accession>/comments/<str:number>/moderate": {"to": "hidden", "body": "Rude."},
        "c/<str:slug>/<str:layer>/<str:channel>/watch": {"level": "everything"},
        "f/<str:accession>/watch": {"level": "mute"},
        "me/tokens": {"name": "another", "scopes": ["read"], "days": 3},
        "teams": {"invitation": shown},
        "teams/<str:slug>/rename": {"name": "Renamed", "version_tag": team.version_tag},
        "teams/<str:slug>/review": {"blind_review": "on", "version_tag": team.version_tag},
        "teams/<str:slug>/invite": {"role": 10, "uses": 1, "days": 3},
        "teams/<str:slug>/members/<str:handle>": {"role": 20, "version_tag": leaving.version_tag},
    }
    if route.startswith(("f/", "t")):
        forms |= about_claims(route, places)
    if route == "review":
        verdict = {"accession": places["accession"], "verdict": "agree"}
        forms |= {route: verdict | about_claims("f/<str:accession>/review", places)["f/<str:accession>/review"]}
    prefix = own if route.startswith("me") else invitation.prefix
    return {**places, "prefix": prefix, "name": f"{places['sha256']}.png"}, forms.get(route, {})


def about_claims(route: str, places: dict[str, str]) -> dict[str, dict[str, object]]:
    """The forms about a claim and a word, once both stand as these need it."""
    claim = Foothold.objects.get(accession=places["accession"])
    one = "f/<str:accession>"
    bodies = api_bodies(route.replace(one, "footholds/<str:accession>"), claim)
    typed = {"content.neuron": "edges:2", "content.title": "A line", "team": "lab", "team_only": "on"}
    verbs = {f"{one}/{verb}": bodies.get((f"footholds/<str:accession>/{verb}", "POST"), {}) for verb in VERBS}
    return {
        **verbs,
        "f/new": {**typed, "kind": "description", "checkpoint": "secret"},
        f"{one}/edit": {**typed, "based_on": 2},
        f"{one}/review": {"version": 2, "verdict": "agree"},
        f"{one}/evidence": {"role": "supports", "method": "AU", "interpretation": "I looked at all of it again."},
        "t": {"slug": "arc", "label": "arc"},
        "t/<str:term>/rename": {"label": "Curve", "version_tag": "curve.1"},
        "t/<str:term>/merge": {"into": "bend"},
    }


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
    of_checkpoint = [
        route
        for route in READ
        if route.startswith(("c/<", "j/<", "a/<", "figures/<")) and "plots" not in route and READ[route] is TEAMS
    ]
    places = {**lab, "name": f"{lab['sha256']}.png"}
    for who in WHO:
        client = at_the_door(who)
        found = {route: status_of(client, at(route, places)) for route in of_checkpoint}
        assert set(found.values()) == {row[WHO.index(who)]}, (who, found)
