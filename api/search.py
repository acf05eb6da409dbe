"""The search box, for scripts."""

from dataclasses import replace
from urllib.parse import urlencode

from rest_framework.request import Request
from rest_framework.response import Response

from api import query, shapes
from api.endpoint import Endpoint
from api.schema import operation
from atlas.dossiers import search as dossiers
from atlas.dossiers.bodies import body
from atlas.search import LONGEST


class Search(Endpoint):
    """What a query finds."""

    counted = {"GET": "search"}
    parameters = {**query.PAGING, "q": query.text("A query, as in the search box of the pages.", longest=LONGEST)}

    @operation("search", shapes.Search)
    def get(self, request: Request) -> Response:
        """What it finds among what I may read: first what says it in its title, of these first what is preferred."""
        after = query.position(request, self.asked.get("cursor"))
        text = self.asked.get("q")
        if text is None:
            return Response(body(dossiers.NOTHING))
        size = self.asked.get("limit", query.DEFAULT_LIMIT)
        found = dossiers.find(text, actor=self.actor, limit=size, after=after)
        if found.after is None:
            return Response(body(found.dossier))
        asked = {**request.GET.dict(), "cursor": query.cursor(request, after=found.after)}
        following = f"{request.path}?{urlencode(asked)}"
        return Response(body(replace(found.dossier, next=following)), headers={"Link": f'<{following}>; rel="next"'})
