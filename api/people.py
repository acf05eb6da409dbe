"""Who asks, and the keys of their scripts."""

from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from api import shapes
from api.endpoint import Endpoint
from api.idempotency import idempotent
from api.pagination import page
from api.schema import Written, operation
from atlas.belonging import memberships_of
from atlas.dossiers import people as dossiers
from atlas.dossiers.bodies import body
from atlas.errors import Validation
from atlas.models import Scope
from atlas.permissions import require
from atlas.services import teams, tokens

WANTED: Mapping[str, Any] = {
    "type": "object",
    "description": "A token for scripts.",
    "additionalProperties": False,
    "required": ["name", "scopes"],
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 80, "description": "What it is for."},
        "scopes": {
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": {"type": "string", "enum": Scope.values},
            "description": "What it may be used for.",
        },
        "days": {"type": "integer", "minimum": 1, "maximum": 365, "default": 90, "description": "How long it holds."},
        "team": {"type": "string", "maxLength": 40, "description": "Bound to what is public and what this team owns."},
    },
}
INVITED: Mapping[str, Any] = {
    "type": "object",
    "description": "An invitation to a team.",
    "additionalProperties": False,
    "required": ["invitation"],
    "properties": {"invitation": {"type": "string", "maxLength": 100, "description": "As it was shown: inv_…"}},
}


class WantedToken(Written):
    """What a new token is to be."""

    judged_by = WANTED


class Invited(Written):
    """An invitation that is accepted."""

    judged_by = INVITED


class Me(Endpoint):
    """Who asks."""

    @operation("read_me", shapes.Me, 401)
    def get(self, request: Request) -> Response:
        """My name, my roles, and the scopes of the token by which I come."""
        return Response(body(dossiers.me(self.person)))


class Memberships(Endpoint):
    """The teams of who asks."""

    @operation("join_team", shapes.Team, codes=(201,), given=Invited, writes=True)
    @idempotent
    def post(self, request: Request) -> Response:
        """Accept an invitation to a team."""
        person, given = self.person, self.given(INVITED)
        require(person, "team.join", None)
        joined = teams.accept(actor=person, shown=given["invitation"])
        if joined is None:
            detail = "This is an invitation to the service itself, where you are already."
            raise Validation(errors=[{"pointer": "/invitation", "code": "no-team", "detail": detail}])
        return Response(body(dossiers.team(joined.team.slug, actor=person)), status=201)


class Tokens(Endpoint):
    """The tokens of who asks."""

    @operation("list_tokens", shapes.TokenPage, 401)
    def get(self, request: Request) -> Response:
        """List my tokens, newest first; never their secrets."""
        return page(request, dossiers.tokens_of(self.person.login))

    @operation("create_token", shapes.NewToken, codes=(201,), given=WantedToken, writes=True, secret=True)
    def post(self, request: Request) -> Response:
        """Make a token. Its secret is in this answer and nowhere else. It takes a session: tokens make no tokens."""
        person, given = self.person, self.given(WANTED)
        require(person, "token.create", None)
        team = None
        if "team" in given:
            mine = memberships_of(person).filter(team__slug=given["team"]).select_related("team").first()
            if mine is None:
                detail = "You are no member of this team."
                raise Validation(errors=[{"pointer": "/team", "code": "no-such-team", "detail": detail}])
            team = mine.team
        wanted = {"name": given["name"], "scopes": given["scopes"], "days": given.get("days", 90), "team": team}
        token, shown = tokens.create(owner=person.login, **wanted)
        answer = Response(body(dossiers.new_token(token, shown=shown)), status=201)
        answer["Cache-Control"] = "no-store"
        return answer


class OneToken(Endpoint):
    """One token of who asks."""

    @operation("revoke_token", None, 404, codes=(204,), writes=True)
    def delete(self, request: Request, prefix: str) -> Response:
        """End it at once."""
        person, _ = self.person, self.given()
        token = tokens.find(prefix, actor=person)
        require(person, "token.revoke", token)
        tokens.revoke(actor=person, token=token)
        return Response(status=204)
