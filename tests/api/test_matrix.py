"""Who may do what: every method of every route, for everybody who may stand at the door, on what is a team's own.

A route or method without a row here fails: nobody adds a door without saying who may go through it.
"""

from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from atlas.models import Checkpoint, Contributor, Foothold, Import, Membership, Role, Scope, Team, Term
from atlas.services import footholds, jobs, people, reviews, teams, tokens
from tests import archived, importing
from tests.api.conftest import ROOT, Api, batch_of, claim_of, question, search_of
from tests.api.routes import ROUTES, allowed, at
from tests.api.uploading import MULTIPART, PICTURE, form
from tests.claims import DISPUTE, PREDICTION, RATIONALE, WORD, revise

pytestmark = pytest.mark.django_db

# nobody · the team's reader, annotator, reviewer, curator, admin · operator · stranger · a deactivated person's token ·
# an annotator's token that may only read
WHO = ("nobody", "reader", "annotator", "reviewer", "curator", "admin", "operator", "stranger", "gone", "read token")
OPEN = (200, 200, 200, 200, 200, 200, 200, 200, 401, 200)
TEAMS = (404, 200, 200, 200, 200, 200, 200, 404, 401, 200)  # what only the team reads; for all others it is not there
OWN = (401, 200, 200, 200, 200, 200, 200, 200, 401, 200)
MEMBERS = (401, 200, 200, 200, 200, 200, 200, 404, 401, 200)
ADMINS = (401, 403, 403, 403, 403, 200, 200, 404, 401, 403)
CURATORS = (401, 403, 403, 403, 200, 200, 200, 404, 401, 403)
MODERATORS = (401, 403, 403, 403, 403, 403, 200, 404, 401, 403)
SETTLING = (401, 403, 200, 200, 200, 200, 200, 404, 401, 403)  # the annotator began the thread
PUTTING_BACK = (401, 403, 200, 403, 403, 403, 403, 404, 401, 403)  # the annotator said it
WATCHING = (401, 200, 200, 200, 200, 200, 200, 404, 401, 403)
NEURON = "checkpoints/<str:slug>/layers/<str:layer>/neurons/<str:channel>"
ANNOTATORS = (401, 404, 200, 200, 200, 200, 200, 404, 401, 200)
STAGED = (401, 404, 200, 403, 200, 200, 200, 404, 401, 403)
MATRIX = {
    ("checkpoints", "GET"): OPEN,
    # Who may upload for no team is refused before the body says for which.
    ("checkpoints", "POST"): (401, 403, 403, 403, 202, 202, 202, 403, 401, 403),
    ("checkpoints/<str:slug>", "GET"): TEAMS,
    ("checkpoints/<str:slug>", "PATCH"): (401, 403, 403, 403, 200, 200, 200, 404, 401, 403),
    ("checkpoints/<str:slug>/cite", "GET"): TEAMS,
    ("checkpoints/<str:slug>/agreement", "GET"): TEAMS,
    ("checkpoints/<str:slug>/layers", "GET"): TEAMS,
    ("checkpoints/<str:slug>/layers/<str:layer>", "GET"): TEAMS,
    ("checkpoints/<str:slug>/layers/<str:layer>/neurons", "GET"): TEAMS,
    ("checkpoints/<str:slug>/layers/<str:layer>/neurons/<str:channel>", "GET"): TEAMS,
    ("checkpoints/<str:slug>/layers/<str:layer>/neurons/<str:channel>/cite", "GET"): TEAMS,
    ("checkpoints/<str:slug>/layers/<str:layer>/neurons/<str:channel>/footholds", "GET"): TEAMS,
    (f"{NEURON}/compare/<str:other>", "GET"): TEAMS,
    (f"{NEURON}/connections", "GET"): TEAMS,
    (f"{NEURON}/statistics", "GET"): TEAMS,
    (f"{NEURON}/watch", "GET"): MEMBERS,
    (f"{NEURON}/watch", "PUT"): WATCHING,
    (f"{NEURON}/watch", "DELETE"): (401, 204, 204, 204, 204, 204, 204, 404, 401, 403),
    ("footholds", "GET"): OPEN,
    ("footholds", "POST"): (401, 403, 201, 201, 201, 201, 201, 422, 401, 403),
    ("footholds/<str:accession>", "GET"): TEAMS,
    ("footholds/<str:accession>", "PATCH"): (401, 403, 200, 200, 200, 200, 200, 404, 401, 403),
    ("footholds/<str:accession>/versions", "GET"): TEAMS,
    ("footholds/<str:accession>/versions/<str:version>", "GET"): TEAMS,
    ("footholds/<str:accession>/versions/<str:version>/cite", "GET"): TEAMS,
    ("footholds/<str:accession>/cite", "GET"): TEAMS,
    ("footholds/<str:accession>/versions/<str:version>/graph", "GET"): TEAMS,
    ("footholds/<str:accession>/graph", "GET"): TEAMS,
    ("footholds/<str:accession>/evidence", "GET"): TEAMS,
    ("footholds/<str:accession>/evidence", "POST"): (401, 403, 201, 201, 201, 201, 201, 404, 401, 403),
    ("footholds/<str:accession>/detach", "POST"): (401, 403, 200, 200, 200, 200, 200, 404, 401, 403),
    ("footholds/<str:accession>/reviews", "GET"): TEAMS,
    # The annotator wrote it, and is no reviewer; an operator reviews for no team.
    ("footholds/<str:accession>/reviews", "POST"): (401, 403, 403, 201, 201, 201, 403, 404, 401, 403),
    ("footholds/<str:accession>/reviews/mine", "DELETE"): (401, 403, 403, 204, 204, 204, 403, 404, 401, 403),
    ("footholds/<str:accession>/comments", "GET"): TEAMS,
    ("footholds/<str:accession>/comments", "POST"): (401, 403, 201, 201, 201, 201, 201, 404, 401, 403),
    ("footholds/<str:accession>/comments/<str:number>", "GET"): TEAMS,
    ("footholds/<str:accession>/comments/<str:number>", "PATCH"): (401, 403, 200, 403, 403, 403, 403, 404, 401, 403),
    ("footholds/<str:accession>/comments/<str:number>", "DELETE"): (401, 403, 204, 403, 403, 403, 403, 404, 401, 403),
    ("footholds/<str:accession>/comments/<str:number>/versions", "GET"): TEAMS,
    ("footholds/<str:accession>/comments/<str:number>/put-back", "POST"): PUTTING_BACK,
    ("footholds/<str:accession>/comments/<str:number>/resolve", "POST"): SETTLING,
    ("footholds/<str:accession>/comments/<str:number>/reopen", "POST"): SETTLING,
    ("footholds/<str:accession>/comments/<str:number>/moderate", "POST"): MODERATORS,
    ("footholds/<str:accession>/watch", "GET"): MEMBERS,
    ("footholds/<str:accession>/watch", "PUT"): WATCHING,
    ("footholds/<str:accession>/watch", "DELETE"): (401, 204, 204, 204, 204, 204, 204, 404, 401, 403),
    # A draft, which a reader may not know of.
    ("footholds/<str:accession>/propose", "POST"): (401, 404, 200, 200, 200, 200, 200, 404, 401, 403),
    ("footholds/<str:accession>/test", "POST"): (401, 403, 200, 200, 200, 200, 200, 404, 401, 403),
    ("footholds/<str:accession>/withdraw", "POST"): (401, 403, 200, 403, 403, 403, 403, 404, 401, 403),
    ("footholds/<str:accession>/reinstate", "POST"): (401, 403, 200, 403, 403, 403, 403, 404, 401, 403),
    ("footholds/<str:accession>/retract", "POST"): CURATORS,
    ("footholds/<str:accession>/merge", "POST"): CURATORS,
    ("footholds/<str:accession>/rank", "POST"): CURATORS,
    ("footholds/<str:accession>/publish", "POST"): CURATORS,
    ("footholds/<str:accession>/resolve", "POST"): CURATORS,
    ("footholds/<str:accession>/moderate", "POST"): (401, 403, 403, 403, 403, 403, 200, 404, 401, 403),
    ("footholds/<str:accession>/restore", "POST"): (401, 403, 200, 200, 200, 200, 200, 404, 401, 403),
    ("circuits", "GET"): OPEN,
    ("collections", "GET"): OPEN,
    ("terms", "GET"): OPEN,
    # Everybody annotates in a space of their own.
    ("terms", "POST"): (401, 201, 201, 201, 201, 201, 201, 201, 401, 403),
    ("terms/<str:term>", "GET"): OPEN,
    ("terms/<str:term>", "PATCH"): (401, 403, 403, 403, 200, 200, 200, 403, 401, 403),
    ("terms/<str:term>/merge", "POST"): (401, 403, 403, 403, 200, 200, 200, 403, 401, 403),
    ("exports/footholds.jsonl", "GET"): OPEN,
    ("exports/footholds.csv", "GET"): OPEN,
    ("imports", "GET"): OWN,
    ("imports", "POST"): (401, 403, 201, 201, 201, 201, 201, 422, 401, 403),
    ("imports/<str:import_id>", "GET"): ANNOTATORS,
    ("imports/<str:import_id>", "DELETE"): (401, 404, 204, 403, 204, 204, 204, 404, 401, 403),
    ("imports/<str:import_id>/rows", "GET"): ANNOTATORS,
    # The annotator staged it.
    ("imports/<str:import_id>/judge", "POST"): STAGED,
    ("imports/<str:import_id>/commit", "POST"): STAGED,
    ("imports/<str:import_id>/undo", "POST"): STAGED,
    ("imports/<str:import_id>/redo", "POST"): STAGED,
    ("probes", "GET"): OPEN,
    ("probes/<str:name>", "GET"): OPEN,
    ("jobs", "GET"): OPEN,
    # A body that names what is not there is understood and refused, for a stranger as for everybody.
    ("jobs", "POST"): (401, 403, 202, 202, 202, 202, 202, 422, 401, 403),
    ("jobs/<str:fingerprint>", "GET"): TEAMS,
    ("jobs/<str:fingerprint>/events", "GET"): TEAMS,
    ("jobs/<str:fingerprint>/cancel", "POST"): (401, 403, 200, 403, 200, 200, 200, 404, 401, 403),
    ("jobs/<str:fingerprint>/requeue", "POST"): (401, 403, 403, 403, 409, 409, 409, 404, 401, 403),
    ("requests/<str:request_id>", "GET"): TEAMS,
    ("artifacts", "POST"): (401, 201, 201, 201, 201, 201, 201, 201, 401, 403),  # annotators of their own spaces, too
    ("artifacts/<str:sha256>", "GET"): TEAMS,
    ("datasets", "GET"): OPEN,
    ("datasets", "POST"): (401, 403, 403, 403, 201, 201, 201, 403, 401, 403),
    ("datasets/<str:digest>", "GET"): TEAMS,
    ("datasets/<str:digest>/items", "GET"): TEAMS,
    ("me", "GET"): OWN,
    ("me/memberships", "POST"): (401, 201, 201, 201, 201, 201, 201, 201, 401, 403),
    ("me/notifications", "GET"): OWN,
    ("me/notifications/read", "POST"): (401, 200, 200, 200, 200, 200, 200, 200, 401, 403),
    ("me/watches", "GET"): OWN,
    ("me/unsaved", "GET"): OWN,
    ("me/unsaved", "POST"): (401, 200, 200, 200, 200, 200, 200, 200, 401, 403),
    ("me/unsaved/<str:item>", "DELETE"): (401, 404, 204, 404, 404, 404, 404, 404, 401, 403),
    ("tokens", "GET"): OWN,
    ("tokens", "POST"): (401, 201, 201, 201, 201, 201, 201, 201, 401, 403),
    ("tokens/<str:prefix>", "DELETE"): (401, 404, 204, 404, 404, 404, 204, 404, 401, 403),
    ("teams", "GET"): OWN,
    ("teams", "POST"): (401, 403, 403, 403, 403, 403, 201, 403, 401, 403),
    ("teams/<str:team>", "GET"): MEMBERS,
    ("teams/<str:team>", "PATCH"): ADMINS,
    ("teams/<str:team>/members", "GET"): MEMBERS,
    ("teams/<str:team>/members/<str:handle>", "PATCH"): ADMINS,
    ("teams/<str:team>/members/<str:handle>", "DELETE"): (401, 403, 403, 403, 403, 204, 204, 404, 401, 403),
    ("teams/<str:team>/invitations", "GET"): ADMINS,
    ("teams/<str:team>/invitations", "POST"): (401, 403, 403, 403, 403, 201, 201, 404, 401, 403),
    ("teams/<str:team>/invitations/<str:prefix>", "DELETE"): (401, 403, 403, 403, 403, 204, 204, 404, 401, 403),
    ("changes", "GET"): OPEN,
    ("search", "GET"): OPEN,
    ("searches", "GET"): OWN,
    ("searches", "POST"): (401, 200, 200, 200, 200, 200, 200, 200, 401, 403),
    # Shared with the team; an operator is no member of it.
    ("searches/<str:search>", "GET"): (401, 200, 200, 200, 200, 200, 404, 404, 401, 200),
    ("searches/<str:search>", "DELETE"): (401, 404, 204, 404, 404, 404, 404, 404, 401, 403),
    ("searches/<str:search>/seen", "POST"): (401, 200, 200, 200, 200, 200, 404, 404, 401, 403),
    ("resolve", "GET"): OPEN,
    ("schema", "GET"): OPEN,
    ("docs", "GET"): OPEN,
}


class Script(Api):
    """Somebody who comes with a token."""

    def __init__(self, shown: str) -> None:
        super().__init__()
        self.client = Client(enforce_csrf_checks=True)
        self.headers = {"Authorization": f"Bearer {shown}"}


@pytest.fixture
def lab(register, probe, registering, operator, ask_for, answer_jobs):
    """The team `lab` with a member of each role; its checkpoint `secret`, of which an annotator asked something."""
    team = teams.found(actor=None, slug="lab", name="The lab", admin=None)
    for role in Role:
        member = people.join(username=role.label, password="correct horse battery").contributor
        Membership.objects.create(team=team, contributor=member, role=role)
    people.join(username="stranger", password="correct horse battery")
    for name in ("leaving", "gone"):
        person = people.join(username=name, password="correct horse battery").contributor
        Membership.objects.create(team=team, contributor=person, role=Role.READER)
    secret = register("secret", "b")
    Checkpoint.objects.filter(pk=secret.pk).update(team=team, visibility="team")
    secret.refresh_from_db()
    [done] = answer_jobs(*ask_for(secret, named("annotator"), "edges:0").jobs)
    asked = ask_for(secret, named("annotator"), "edges:1")
    claim = claim_of(named("annotator"), secret, team, visibility="team")
    return {
        "accession": claim.accession,
        "version": "1",
        "number": "1",
        "term": "curve",
        "item": "new:description",
        "search": search_of(named("annotator")),
        "slug": "secret",
        "layer": "edges",
        "channel": "1",
        "other": "edges:0",
        "name": probe.name,
        "fingerprint": asked.jobs[0].fingerprint,
        "request_id": str(asked.request.id),
        "import_id": str(batch_of(named("annotator"), secret, team).public_id),
        "sha256": done.finding.shown.first().artifact_id,
        "digest": archived.dataset_of("secret", team=team, visibility="team").digest,
        "team": "lab",
        "handle": "leaving",
    }


def named(handle: str) -> Contributor:
    """The contributor of this handle."""
    return Contributor.objects.get(handle=handle)


def at_the_door(who: str) -> Api:
    """A client of each kind."""
    if who == "nobody":
        return Api()
    if who in ("gone", "read token"):
        owner = named("gone" if who == "gone" else "annotator").login
        shown = tokens.create(owner=owner, name="script", scopes=["read"])[1]
        if who == "gone":
            people.deactivate(actor=None, user=owner)
        return Script(shown)
    return Api(named(who).login)


def prepared(route: str, method: str, places: dict[str, str]) -> tuple[dict[str, str], Any, dict[str, str]]:
    """(places, body, headers) with which a method of a route would succeed for who may."""
    lab = Team.objects.get(slug="lab")
    annotator = named("annotator").login
    invitation, shown = teams.invite(actor=None, team=lab, role=Role.READER)
    own = tokens.create(owner=annotator, name="mine", scopes=["read"])[0].prefix
    prefix = own if route.startswith("tokens") else invitation.prefix
    bodies = {
        ("checkpoints", "POST"): form(team="lab"),
        ("imports", "POST"): importing.form(team="lab", checkpoint="secret", visibility="team"),
        ("checkpoints/<str:slug>", "PATCH"): {"title": "Renamed"},
        ("datasets", "POST"): archived.form(team="lab"),
        ("artifacts", "POST"): PICTURE,
        ("jobs", "POST"): question("secret", subject="edges:3"),
        ("me/memberships", "POST"): {"invitation": shown},
        ("tokens", "POST"): {"name": "another", "scopes": ["read"]},
        ("searches", "POST"): {"name": "Another", "query": "line"},
        ("teams", "POST"): {"slug": "new-team", "name": "New"},
        ("teams/<str:team>", "PATCH"): {"name": "Renamed"},
        ("teams/<str:team>/members/<str:handle>", "PATCH"): {"role": "annotator"},
        ("teams/<str:team>/invitations", "POST"): {"role": "reader"},
    }
    if method != "GET" and route.startswith(("footholds", "terms", "me/unsaved", "me/notifications")):
        bodies |= about_claims(route, Foothold.objects.get(accession=places["accession"]))
    leaving = Membership.objects.get(team=lab, contributor=named("leaving"))
    tags = {"teams/<str:team>": lab.version_tag, "teams/<str:team>/members/<str:handle>": leaving.version_tag}
    tags["footholds/<str:accession>"] = f"{places['accession']}.2"
    tags["footholds/<str:accession>/comments/<str:number>"] = f"{places['accession']}.c1.1"
    tags["terms/<str:term>"] = "curve.1"
    tags["checkpoints/<str:slug>"] = Checkpoint.objects.get(slug="secret").version_tag
    headers = {"If-Match": f'"{tags[route]}"'} if route in tags and method == "PATCH" else {}
    headers |= {"Content-Type": MULTIPART} if (route, method) == ("checkpoints", "POST") else {}
    headers |= {"Content-Type": "image/png"} if (route, method) == ("artifacts", "POST") else {}
    sent = [(where, "POST") for where in ("checkpoints", "imports", "datasets")]
    headers |= {"Content-Type": MULTIPART} if (route, method) in sent else {}
    if route.startswith("imports/"):  # what is done to a batch begins where it can be done
        Import.objects.update(state={"undo": "committed", "redo": "undone"}.get(route.rpartition("/")[2], "staged"))
    return {**places, "prefix": prefix}, bodies.get((route, method), None if method == "GET" else {}), headers


def about_claims(route: str, claim: Foothold) -> dict[tuple[str, str], Any]:
    """The bodies with which verbs about a claim would succeed, once it stands as they need it."""
    annotator = named("annotator")
    if route.endswith("/propose"):
        Foothold.objects.filter(pk=claim.pk).update(standing="draft")
    if route.endswith("/reinstate"):
        footholds.withdraw(actor=annotator, foothold=claim)
    if route.endswith("/test"):
        revise(claim, annotator, predictions=[PREDICTION])
    if route.endswith("/resolve"):
        reviews.review(actor=named("reviewer"), foothold=claim, version=2, **DISPUTE)
    into = ""
    if route.endswith("<str:accession>/merge"):
        into = claim_of(annotator, claim.checkpoint, claim.team, visibility="team").accession
    Term.objects.get_or_create(slug="bend", defaults={"label": "bend"})
    known = claim.support.get().evidence.accession
    why = {"reason": "The same was said before."}
    one = "footholds/<str:accession>"
    content = {"neuron": "edges:2", "title": "A line"}
    wanted = {"kind": "description", "checkpoint": "secret", "team": "lab", "content": content}
    return {
        ("footholds", "POST"): {**wanted, "visibility": "team"},
        (one, "PATCH"): {"content": {"title": "Another"}},
        (f"{one}/evidence", "POST"): {"content": {**WORD, "interpretation": "Again."}, "team": "lab"},
        (f"{one}/detach", "POST"): {"evidence": known, "role": "supports"},
        (f"{one}/reviews", "POST"): {"version": 2, "verdict": "agree"},
        (f"{one}/retract", "POST"): why,
        (f"{one}/merge", "POST"): {"into": into, **why},
        (f"{one}/rank", "POST"): {"rank": "preferred"},
        (f"{one}/resolve", "POST"): {"outcome": "upheld", "rationale": RATIONALE},
        (f"{one}/moderate", "POST"): {"to": "hidden", **why},
        (f"{one}/comments", "POST"): {"body": "@reviewer, look again.", "reply_to": 1},
        (f"{one}/comments/<str:number>", "PATCH"): {"body": "Look at seed 4."},
        (f"{one}/comments/<str:number>/moderate", "POST"): {"to": "hidden", **why},
        (f"{one}/watch", "PUT"): {"level": "mute"},
        (f"{one}/restore", "POST"): {"version": 1, "based_on": 2},
        ("terms", "POST"): {"slug": "arc", "label": "arc"},
        ("terms/<str:term>", "PATCH"): {"label": "Curve"},
        ("terms/<str:term>/merge", "POST"): {"into": "bend"},
        ("me/notifications/read", "POST"): {"up_to": 1_000_000},
        ("me/unsaved", "POST"): {"item": "x", "content": {"title": "y"}},
    }


def test_every_method_of_every_route_has_its_row():
    assert {(route, method) for route in ROUTES for method in allowed(route)} == set(MATRIX)


@pytest.mark.parametrize("who", WHO)
def test_everybody_may_exactly_what_the_table_says(who, lab):
    """Each cell on the same world: what one request changed is rolled back before the next."""
    column, wrong = WHO.index(who), {}
    for (route, method), row in MATRIX.items():
        with transaction.atomic():
            api = at_the_door(who)
            places, body, headers = prepared(route, method, lab)
            status = api.ask(method, f"{ROOT}/{at(route, places)}", body, headers=headers).status_code
            transaction.set_rollback(True)
        if status != row[column]:
            wrong[route, method] = (status, row[column])
    assert wrong == {}


def test_a_token_never_does_more_than_its_owner(lab):
    """With every scope there is, a reader's script still only reads."""
    shown = tokens.create(owner=named("reader").login, name="script", scopes=Scope.values)[1]
    for (route, method), row in MATRIX.items():
        if row[WHO.index("reader")] != 403:
            continue
        with transaction.atomic():
            places, body, headers = prepared(route, method, lab)
            answer = Script(shown).ask(method, f"{ROOT}/{at(route, places)}", body, headers=headers)
            transaction.set_rollback(True)
        assert answer.status_code == 403, (route, method)


def test_a_curator_withdraws_what_others_asked_for(lab):
    job = jobs.find(lab["fingerprint"], actor=named("curator"))
    assert jobs.cancel(actor=named("curator"), job=job).state == "cancelled"
