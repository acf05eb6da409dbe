"""What somebody typed and has not saved yet."""

from rest_framework.request import Request
from rest_framework.response import Response

from api import shapes
from api.endpoint import Endpoint
from api.pagination import page
from api.schema import Written, operation
from atlas.dossiers import unsaved as dossiers
from atlas.dossiers.bodies import body
from atlas.errors import NoSuchAddress
from atlas.services import unsaved


class Typed(Written):
    """What was typed."""

    judged_by = {
        "type": "object",
        "description": "What was typed for an item; it takes the place of what was kept for it before.",
        "additionalProperties": False,
        "required": ["item", "content"],
        "properties": {
            "item": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[A-Za-z0-9._:-]+$"},
            "content": {"type": "object", "description": "As it stands in the form; nothing is judged."},
            "base_version": {"type": "integer", "minimum": 1, "maximum": 1_000_000},
        },
    }


class Unsaved(Endpoint):
    """What I typed and have not saved."""

    @operation("list_unsaved", shapes.UnsavedPage, 401)
    def get(self, request: Request) -> Response:
        """List it, the newest first."""
        return page(request, dossiers.of(self.person))

    @operation("keep_unsaved", shapes.Unsaved, given=Typed, writes=True)
    def post(self, request: Request) -> Response:
        """Keep what was typed."""
        person = self.person
        kept = unsaved.keep(actor=person, **self.given(Typed.judged_by))
        return Response(body(dossiers.facts_of(kept)))


class OneUnsaved(Endpoint):
    """What I typed for one item."""

    @operation("discard_unsaved", None, 404, codes=(204,), writes=True)
    def delete(self, request: Request, item: str) -> Response:
        """Throw it away."""
        person, _ = self.person, self.given()
        if not unsaved.discard(actor=person, item=item[:200]):
            raise NoSuchAddress(address=request.path[:200])
        return Response(status=204)
