"""Searches that are kept under a name, and what a reference means."""

from rest_framework.request import Request
from rest_framework.response import Response

from api import naming, query, shapes
from api.endpoint import Endpoint
from api.pagination import page
from api.schema import Written, operation
from atlas.dossiers import resolving
from atlas.dossiers import searches as dossiers
from atlas.dossiers.bodies import body
from atlas.search import LONGEST
from atlas.services import searches
from atlas.validation import closed


class WantedSearch(Written):
    """A query that is kept."""

    judged_by = closed(
        "A query under a name; it takes the place of what was kept under that name before.",
        name={"type": "string", "minLength": 1, "maxLength": searches.LONGEST_NAME},
        query={"type": "string", "minLength": 1, "maxLength": LONGEST, "description": "As in the search box."},
        optional={"team": {"type": "string", "maxLength": 39, "description": "Whose members read it too, by slug."}},
    )


class Searches(Endpoint):
    """The searches I keep, and those shared with my teams."""

    @operation("list_searches", shapes.SavedSearchPage, 401)
    def get(self, request: Request) -> Response:
        """List them by name."""
        return page(request, dossiers.every(self.person))

    @operation("save_search", shapes.SavedSearch, given=WantedSearch, writes=True)
    def post(self, request: Request) -> Response:
        """Save a query under a name."""
        person = self.person
        given = self.given(WantedSearch.judged_by)
        team = naming.known_team(given.pop("team"), actor=person) if "team" in given else None
        kept = searches.save(actor=person, team=team, **given)
        return Response(body(dossiers.one(kept, actor=person)))


class OneSearch(Endpoint):
    """A search that is kept."""

    counted = {"GET": "search"}

    @operation("read_search", shapes.SavedSearch, 401, 404)
    def get(self, request: Request, search: str) -> Response:
        """What it asks, and how much of what it finds is new since I looked."""
        person = self.person
        return Response(body(dossiers.one(searches.find(search, actor=person), actor=person)))

    @operation("remove_search", None, 404, codes=(204,), writes=True)
    def delete(self, request: Request, search: str) -> Response:
        """Remove it."""
        person, _ = self.person, self.given()
        searches.remove(actor=person, search=searches.find(search, actor=person))
        return Response(status=204)


class SeenSearch(Endpoint):
    """Having looked."""

    @operation("see_search", shapes.SavedSearch, 404, writes=True)
    def post(self, request: Request, search: str) -> Response:
        """Take what it finds as seen: what is written from now on is new."""
        person, _ = self.person, self.given()
        row = searches.find(search, actor=person)
        searches.look(actor=person, search=row)
        return Response(body(dossiers.one(searches.find(search, actor=person), actor=person)))


class Resolve(Endpoint):
    """What a reference means."""

    counted = {"GET": "search"}
    parameters = {
        "ref": query.text("A neuron (`4c:447`), an accession, a checkpoint, a layer, a term or a person."),
        "checkpoint": query.text("The slug of the checkpoint in which it is looked up first.", longest=40),
    }

    @operation("resolve", shapes.Resolved)
    def get(self, request: Request) -> Response:
        """All that it may mean to me: nothing, one thing or several."""
        ref = self.asked.get("ref")
        if ref is None:
            return Response(body(resolving.NOTHING))
        here = self.asked.get("checkpoint", "")
        return Response(body(resolving.resolve(ref, actor=self.actor, checkpoint=here)))
