"""What its author withdrew stands again as it stood: a draft as a draft, and whoever read it reads it again."""

from typing import Any

from django.db import transaction

from atlas.errors import IllegalStanding
from atlas.models import ChangeSet, Contributor, Foothold
from atlas.permissions import require
from atlas.services import changes, footholds

WITHDRAWN = Foothold.Standing.WITHDRAWN


def stood(foothold: Foothold) -> dict[str, Any] | None:
    """How it stood before its author withdrew it; None where nobody did, and where an import was undone."""
    if foothold.standing != WITHDRAWN:
        return None
    # From the end, where what was withdrawn just now stands.
    told = ChangeSet.objects.filter(verb="foothold.withdrawn", subject=foothold.accession).order_by("-id").first()
    return told.facts.get("was") if told else None


@transaction.atomic
def reinstate(*, actor: Contributor, foothold: Foothold) -> Foothold:
    """withdrawn → as it stood before; raises IllegalStanding for what its author has not withdrawn."""
    require(actor, "foothold.withdraw", foothold)
    changes.take_turn(foothold)
    foothold.refresh_from_db()
    before = stood(foothold)
    if before is None:
        raise IllegalStanding(accession=foothold.accession, standing=foothold.standing, verb="reinstated")
    columns = {**before, "standing_reason": ""}
    return footholds.decide(actor, "foothold.withdraw", foothold, "reinstated", (WITHDRAWN,), **columns)
