"""Who a script is: the bearer of a token, within its bounds; a bad credential is refused, never anonymous."""

from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from atlas.belonging import Credential
from atlas.errors import BadCredential
from atlas.services import tokens


class Bearer(BaseAuthentication):
    """`Authorization: Bearer fh_…`. Whatever else stands in that header opens nothing, and says so with 401."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """(login, token), None where nobody claims anything; raises BadCredential, TokenExpired, TokenRevoked."""
        header = request.META.get("HTTP_AUTHORIZATION")
        if header is None:
            return None
        kind, _, shown = header.partition(" ")
        if kind.lower() != "bearer":
            raise BadCredential()
        token = tokens.recognise(shown.strip())
        token.owner.contributor.credential = Credential(frozenset(token.scopes), token.team_id)
        return token.owner, token

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for."""
        return 'Bearer realm="atlas"'
