"""Every method that writes, with what would succeed there, for who may do all of it: by a session and by a token."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse

from api.parsers import StrictJSONParser
from atlas.models import Membership, Scope, Team
from atlas.services import tokens
from tests.api import contract
from tests.api.conftest import ROOT, Api, World, question
from tests.api.test_every_route import ROUTES, allowed, at
from tests.api.test_matrix import Script

# What a method takes; one that takes nothing has no row.
GOOD: dict[tuple[str, str], dict[str, Any]] = {
    ("jobs", "POST"): question(subject="edges:3", params={"steps": 3}),
    ("me/memberships", "POST"): {"invitation": "inv_00000000_" + "0" * 32},
    ("tokens", "POST"): {"name": "another", "scopes": ["read"], "days": 3},
    ("teams", "POST"): {"slug": "newest", "name": "The newest", "admin": "carol"},
    ("teams/<str:team>", "PATCH"): {"name": "Another name"},
    ("teams/<str:team>/members/<str:handle>", "PATCH"): {"role": "annotator"},
    ("teams/<str:team>/invitations", "POST"): {"role": "reader", "uses": 1, "days": 3},
}
# Fields that hold what people call things; all others name something that is there, or choose from a few words.
TITLES = [(route, method, "name") for route, method in GOOD if "name" in GOOD[route, method]]


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


def doors_of(world: World, operator: Any) -> list[Door]:
    """Every door that reads JSON, twice."""
    tags = {
        "teams/<str:team>": Team.objects.get(slug="circle").version_tag,
        "teams/<str:team>/members/<str:handle>": Membership.objects.get(
            team__slug="circle", contributor__handle="carol"
        ).version_tag,
    }
    by_token = Script(tokens.create(owner=operator.login, name="script", scopes=Scope.values)[1])
    found = []
    for api in (Api(operator.login), by_token):
        for route, view in ROUTES.items():
            if StrictJSONParser not in view.parser_classes:
                continue
            for method in set(allowed(route)) - {"GET"}:
                sees = {"If-Match": f'"{tags[route]}"'} if method == "PATCH" else {}
                path = f"{ROOT}/{at(route, world.places)}"
                found.append(Door(route, method, path, {**api.headers, **sees}, api))
    return found
