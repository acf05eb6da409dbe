"""What others make of a claim."""

from rest_framework.request import Request
from rest_framework.response import Response

from api import naming, query, shapes
from api.endpoint import Endpoint
from api.idempotency import idempotent
from api.pagination import page, span
from api.schema import Written, operation
from atlas.dossiers import footholds as dossiers
from atlas.dossiers import verdicts
from atlas.dossiers.bodies import body
from atlas.models import Review
from atlas.permissions import require
from atlas.services import footholds, reviews


class WantedReview(Written):
    """A verdict."""

    judged_by = {
        "type": "object",
        "description": "A verdict on the version that was read.",
        "additionalProperties": False,
        "required": ["version", "verdict"],
        "properties": {
            "version": {"type": "integer", "minimum": 1, "maximum": 1_000_000, "description": "The one I read."},
            "verdict": {"type": "string", "enum": Review.Verdict.values},
            "reason": {"type": "string", "enum": Review.Reason.values, "description": "Why it is disputed."},
            "text": {"type": "string", "maxLength": 4_000, "description": "Markdown; a dispute has at least 20."},
            "team": {"type": "string", "maxLength": 40, "description": "For which team, where it could be several."},
        },
    }


class Reviews(Endpoint):
    """The verdicts on a foothold."""

    parameters = query.PAGING

    @operation("list_reviews", shapes.ReviewPage, 404, 410)
    def get(self, request: Request, accession: str) -> Response:
        """List every verdict ever given, and whether it counts; of a blind review my own, until I have given one."""
        every = verdicts.reviews_of(footholds.find(accession, actor=self.actor), actor=self.actor)
        start, stop, after = span(len(every), asked=self.asked, request=request)
        return page(request, every[start:stop], after=after)

    @operation("review_foothold", shapes.Foothold, 404, 409, 410, 412, codes=(201,), given=WantedReview, writes=True)
    @idempotent
    def post(self, request: Request, accession: str) -> Response:
        """Agree, dispute, or say that I am unsure; in place of what I said before."""
        person, row = self.person, footholds.find(accession, actor=self.actor)
        require(person, "foothold.review", row)
        given = self.given(WantedReview.judged_by)
        team = naming.known_team(given.pop("team"), actor=person) if "team" in given else None
        reviews.review(actor=person, foothold=row, team=team, **given)
        return Response(body(dossiers.foothold(row.accession, actor=person)), status=201)


class Mine(Endpoint):
    """My verdict on a foothold."""

    @operation("recant_review", None, 404, 410, codes=(204,), writes=True)
    def delete(self, request: Request, accession: str) -> Response:
        """Take my verdict back; that I gave it stays in the record."""
        person, row = self.person, footholds.find(accession, actor=self.actor)
        require(person, "foothold.review", row)
        self.given()
        reviews.recant(actor=person, foothold=row)
        return Response(status=204)
