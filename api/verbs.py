"""What is done about a foothold, a verb at a time."""

from collections.abc import Callable
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from api import naming, shapes
from api.endpoint import Endpoint
from api.footholds import ACCESSION, REASON, SUMMARY, VERSION
from api.schema import Written, operation
from atlas.dossiers import footholds as dossiers
from atlas.dossiers.bodies import body
from atlas.models import Contributor, Foothold, Support
from atlas.permissions import require
from atlas.services import evidence, footholds, predictions, reviews, withdrawals
from atlas.validation import closed

Act = Callable[[Contributor, Foothold, dict[str, Any]], Any]


def verb(
    name: str,
    does: str,
    act: Act,
    *problems: int,
    permission: str = "",
    counted: str = "write",
    optional: Any = None,
    **required: Any,
) -> type[Endpoint]:
    """An endpoint that does one thing about a foothold, and answers with how it stands then."""
    given = type(f"{name.title()}Body", (Written,), {"judged_by": closed(does, optional=optional, **required)})
    given.__doc__ = does

    @operation(f"{name}_foothold", shapes.Foothold, 404, 409, 410, *problems, given=given, writes=True)
    def post(self: Endpoint, request: Request, accession: str) -> Response:
        person, row = self.person, footholds.find(accession, actor=self.actor)
        if permission:
            require(person, permission, row)
        act(person, row, self.given(given.judged_by))
        return Response(body(dossiers.foothold(row.accession, actor=person)))

    post.__doc__ = does
    return type(name.title(), (Endpoint,), {"__doc__": does, "post": post, "counted": {"POST": counted}})


Propose = verb(
    "propose",
    "Let others read a draft and review it.",
    lambda actor, row, given: footholds.propose(actor=actor, foothold=row),
    permission="foothold.revise",
    optional={},
)
Test = verb(
    "test",
    "Have workers compute what it predicts; `predictions` says what became of each, and by which job.",
    lambda actor, row, given: predictions.test(actor=actor, foothold=row),
    counted="compute",
    optional={},
)
Detach = verb(
    "detach",
    "Take back what evidence of mine says of this claim; that it was said stays in the record.",
    lambda actor, row, given: evidence.detach(
        actor=actor,
        evidence=naming.foothold(given["evidence"], actor=actor, pointer="/evidence"),
        claim=row,
        role=given["role"],
        facet=given.get("facet", ""),
    ),
    evidence=ACCESSION,
    role={"type": "string", "enum": Support.Role.values},
    optional={"facet": {"type": "string", "enum": Support.Facet.values, "default": ""}},
)
Withdraw = verb(
    "withdraw",
    "Take back what I wrote; it stays readable, and says so.",
    lambda actor, row, given: footholds.withdraw(actor=actor, foothold=row, **given),
    permission="foothold.withdraw",
    optional={"reason": {**REASON, "minLength": 0}},
)
Reinstate = verb(
    "reinstate",
    "Let what I withdrew stand again, as it stood before.",
    lambda actor, row, given: withdrawals.reinstate(actor=actor, foothold=row),
    permission="foothold.withdraw",
    optional={},
)
Retract = verb(
    "retract",
    "Take a claim back, as a curator, and say why.",
    lambda actor, row, given: footholds.retract(actor=actor, foothold=row, **given),
    permission="foothold.decide",
    reason=REASON,
)
Merge = verb(
    "merge",
    "Say that another foothold says it: this address leads there, its versions stay.",
    lambda actor, row, given: footholds.merge(
        actor=actor,
        foothold=row,
        into=naming.foothold(given["into"], actor=actor, pointer="/into"),
        reason=given["reason"],
    ),
    permission="foothold.decide",
    into=ACCESSION,
    reason=REASON,
)
Rank = verb(
    "rank",
    "Say which of several claims about one thing is shown first.",
    lambda actor, row, given: footholds.set_rank(actor=actor, foothold=row, **given),
    permission="foothold.decide",
    rank={"type": "string", "enum": Foothold.Rank.values},
)
Publish = verb(
    "publish",
    "Let everybody read what was the team's. It does not go back.",
    lambda actor, row, given: footholds.publish(actor=actor, foothold=row),
    permission="foothold.decide",
    optional={},
)
Moderate = verb(
    "moderate",
    "Hide what does not belong here, or show it again.",
    lambda actor, row, given: footholds.moderate(actor=actor, foothold=row, **given),
    permission="foothold.moderate",
    to={"type": "string", "enum": Foothold.Moderation.values},
    reason=REASON,
)
Restore = verb(
    "restore",
    "Bring an earlier version back, as a new one on top of the newest, which has to be the one you saw.",
    lambda actor, row, given: footholds.restore(actor=actor, foothold=row, **given),
    412,
    permission="foothold.revise",
    version=VERSION,
    based_on=VERSION,
    optional={"summary": SUMMARY},
)
Resolve = verb(
    "resolve",
    "Decide a dispute, as a curator; it holds until somebody disputes again.",
    lambda actor, row, given: reviews.resolve(actor=actor, foothold=row, **given),
    permission="foothold.decide",
    outcome={"type": "string", "enum": ["upheld", "rejected"]},
    rationale={"type": "string", "minLength": 50, "maxLength": 4_000, "description": "The reasons."},
)
