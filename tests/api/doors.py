"""Every method that writes, with what would succeed there, for who may do all of it: by a session and by a token."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse

from api.parsers import StrictJSONParser
from atlas.models import Membership, Role, Scope, Team, User
from atlas.services import tokens
from tests.api import contract
from tests.api.conftest import ROOT, Api, World, question
from tests.api.routes import ROUTES, allowed, at
from tests.api.test_matrix import Script
from tests.claims import RATIONALE, WORD

# What a method takes; one that takes nothing has no row.
GOOD: dict[tuple[str, str], dict[str, Any]] = {
    ("jobs", "POST"): question(subject="edges:3", params={"steps": 3}),
    ("checkpoints/<str:slug>", "PATCH"): {"title": "Another title"},
    ("footholds", "POST"): {
        "kind": "description",
        "checkpoint": "toy",
        "content": {"neuron": "edges:2", "title": "A line"},
        "summary": "First.",
    },
    ("footholds/<str:accession>", "PATCH"): {"content": {"title": "Another"}, "summary": "Better."},
    ("footholds/<str:accession>/evidence", "POST"): {"content": WORD, "role": "supports", "note": "See."},
    ("footholds/<str:accession>/detach", "POST"): {"evidence": "E000000000", "role": "supports"},
    ("footholds/<str:accession>/reviews", "POST"): {"version": 2, "verdict": "agree", "text": "So it is."},
    ("footholds/<str:accession>/withdraw", "POST"): {"reason": "I was wrong."},
    ("footholds/<str:accession>/retract", "POST"): {"reason": "Made up."},
    ("footholds/<str:accession>/merge", "POST"): {"into": "D000000000", "reason": "The same."},
    ("footholds/<str:accession>/rank", "POST"): {"rank": "preferred"},
    ("footholds/<str:accession>/moderate", "POST"): {"to": "visible", "reason": "Kept."},
    ("footholds/<str:accession>/restore", "POST"): {"version": 1, "based_on": 2, "summary": "Back."},
    ("footholds/<str:accession>/comments", "POST"): {
        "body": "So it is.",
        "version": 1,
        "quote": "A curve",
        "reply_to": 1,
    },
    ("footholds/<str:accession>/comments/<str:number>", "PATCH"): {"body": "So it is not."},
    ("footholds/<str:accession>/comments/<str:number>/moderate", "POST"): {"to": "visible", "reason": "Kept."},
    ("footholds/<str:accession>/watch", "PUT"): {"level": "everything"},
    ("me/notifications/read", "POST"): {"ids": [1]},
    ("footholds/<str:accession>/resolve", "POST"): {"outcome": "upheld", "rationale": RATIONALE},
    ("terms", "POST"): {"slug": "arc", "label": "arc", "definition": "Bent."},
    ("terms/<str:term>", "PATCH"): {"label": "Curve"},
    ("terms/<str:term>/merge", "POST"): {"into": "nothing"},
    ("searches", "POST"): {"name": "Lines", "query": "line OR edge"},
    ("me/unsaved", "POST"): {"item": "new:link", "content": {"source": "edges:1"}},
    ("me/memberships", "POST"): {"invitation": "inv_00000000_" + "0" * 32},
    ("tokens", "POST"): {"name": "another", "scopes": ["read"], "days": 3},
    ("teams", "POST"): {"slug": "newest", "name": "The newest", "admin": "carol"},
    ("teams/<str:team>", "PATCH"): {"name": "Another name", "blind_review": True},
    ("teams/<str:team>/members/<str:handle>", "PATCH"): {"role": "annotator"},
    ("teams/<str:team>/invitations", "POST"): {"role": "reader", "uses": 1, "days": 3},
}
# Nobody withdraws what others wrote, or puts other words into their mouths.
OF_AUTHORS = ("/withdraw", "/reinstate", "<str:number>", "/put-back")
# Fields that hold what people call things; all others name something that is there, or choose from a few words.
TITLES = [(route, method, name) for (route, method), body in GOOD.items() for name in ("name", "title") if name in body]


@dataclass(frozen=True)
class Door:
    """A method of a route, and who stands before it."""

    route: str
    method: str
    path: str
    headers: dict[str, str]
    api: Api

    def __str__(self) -> str:
        return f"{self.method} {self.route} as {type(self.api).__name__}"

    @property
    def good(self) -> dict[str, Any] | None:
        """A body it would take; None where it takes none."""
        return GOOD.get((self.route, self.method))

    @property
    def denied(self) -> bool:
        """Whether it takes a person: tokens make no tokens."""
        return self.route.startswith("tokens") and "Authorization" in self.headers

    @property
    def schema(self) -> dict[str, Any]:
        """What the document says of its body."""
        operation = contract.operation_at(self.method, self.path)
        reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        return contract.document()["components"]["schemas"][reference.rpartition("/")[2]]

    def fields(self, kind: str) -> list[str]:
        """Its fields of this type."""
        return [name for name, rule in self.schema["properties"].items() if rule.get("type") == kind]

    def knock(self, body: Any, *, headers: dict[str, str] | None = None, **more: Any) -> HttpResponse:
        """The answer to this body."""
        return self.api.ask(self.method, self.path, body, headers={**self.headers, **(headers or {})}, **more)


def by_token(login: User) -> Script:
    """Somebody who comes with a token that may do all they may."""
    return Script(tokens.create(owner=login, name="script", scopes=Scope.values)[1])


def doors_of(world: World, operator: Any) -> list[Door]:
    """Every door that reads JSON, twice."""
    tags = {
        "checkpoints/<str:slug>": world.checkpoint.version_tag,
        "footholds/<str:accession>": f"{world.foothold.accession}.2",
        "footholds/<str:accession>/comments/<str:number>": f"{world.foothold.accession}.c1.1",
        "terms/<str:term>": "curve.1",
        "teams/<str:team>": Team.objects.get(slug="circle").version_tag,
        "teams/<str:team>/members/<str:handle>": Membership.objects.get(
            team__slug="circle", contributor__handle="carol"
        ).version_tag,
    }
    Membership.objects.create(team=Team.objects.get(slug="circle"), contributor=operator, role=Role.REVIEWER)
    found = []
    for come in (Api, by_token):
        people = {"operator": come(operator.login), "author": come(world.foothold.created_by.login)}
        for route, view in ROUTES.items():
            api = people["author" if route.endswith(OF_AUTHORS) else "operator"]
            if StrictJSONParser not in view.parser_classes:
                continue
            for method in set(allowed(route)) - {"GET"}:
                sees = {"If-Match": f'"{tags[route]}"'} if method == "PATCH" else {}
                path = f"{ROOT}/{at(route, world.places)}"
                found.append(Door(route, method, path, {**api.headers, **sees}, api))
    return found
