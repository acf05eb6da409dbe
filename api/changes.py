"""The feed of what is written: for scripts that follow along and miss nothing."""

from rest_framework.request import Request
from rest_framework.response import Response

from api import query, shapes
from api.endpoint import Endpoint
from api.pagination import page, window
from api.schema import operation
from atlas.dossiers import changes as dossiers


class Changes(Endpoint):
    """What was written to people's tables, in the order in which it was committed."""

    parameters = {
        "limit": query.PAGING["limit"],
        "cursor": query.PAGING["cursor"],
        "after": query.number("Only changes with a higher number: the last one you have seen."),
    }

    @operation("list_changes", shapes.ChangePage)
    def get(self, request: Request) -> Response:
        """List the changes I may read, oldest first. Every committed change appears once, in order, and none later."""
        rows = dossiers.readable_by(self.actor).filter(number__gt=self.asked.get("after", 0))
        found, after = window(rows, by="number", asked=self.asked, request=request)
        return page(request, [dossiers.facts_of(row) for row in found], after=after)
