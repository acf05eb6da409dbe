"""What others make of a claim: a verdict on the version they read, and a curator's word where they cannot agree."""

from django.db import transaction
from django.utils import timezone

from atlas import texts
from atlas.errors import EditConflict, IllegalStanding, SelfReview, Validation
from atlas.models import Contributor, Foothold, Resolution, Review, Team
from atlas.permissions import require, reviewing_teams
from atlas.services import changes, notifications, standing

SHORTEST_REASON, SHORTEST_RATIONALE, LONGEST = 20, 50, 4_000  # characters


@transaction.atomic
def review(
    *,
    actor: Contributor,
    foothold: Foothold,
    version: int,
    verdict: str,
    reason: str = "",
    text: str = "",
    team: Team | None = None,
) -> Review:
    """Cast a verdict on the newest version, in place of one's earlier one; both are kept.

    Raises SelfReview for an author, EditConflict when the text has changed since it was read, Validation for a dispute
    that does not say why, IllegalStanding for what is not open.
    """
    require(actor, "foothold.review", foothold)
    changes.take_turn(foothold)
    locked = Foothold.objects.get(pk=foothold.pk)
    if locked.standing != Foothold.Standing.OPEN:
        raise IllegalStanding(accession=locked.accession, standing=locked.standing, verb="reviewed")
    if locked.revisions.filter(author=actor).exists():
        raise SelfReview(accession=locked.accession)
    if version != locked.head_version:
        raise EditConflict(seen=f"{locked.accession}.{version}", current=locked.version_tag)
    _require_reasons(verdict, reason, text)
    cast_for = _team(actor, locked, team)
    blind = cast_for.blind_review and not locked.reviews.filter(reviewer=actor).exists()
    locked.reviews.filter(reviewer=actor, superseded_at=None).update(superseded_at=timezone.now())
    cast = Review.objects.create(
        foothold=locked,
        version=version,
        reviewer=actor,
        team=cast_for,
        verdict=verdict,
        reason=reason if verdict == Review.Verdict.DISPUTE else "",
        text=text.strip(),
        blind=blind,
    )
    standing.recompute(locked)
    foothold.refresh_from_db()
    notifications.of_verdict(cast)
    changes.record(actor, "foothold.review", locked.accession, version=version)
    return cast


@transaction.atomic
def recant(*, actor: Contributor, foothold: Foothold) -> None:
    """Take my verdict back; that it was given stays in the record. Done twice, it is done once."""
    require(actor, "foothold.review", foothold)
    changes.take_turn(foothold)
    if foothold.reviews.filter(reviewer=actor, superseded_at=None).update(superseded_at=timezone.now()):
        standing.recompute(foothold)
        foothold.refresh_from_db()
        changes.record(actor, "foothold.recant", foothold.accession)


@transaction.atomic
def resolve(*, actor: Contributor, foothold: Foothold, outcome: str, rationale: str) -> Resolution:
    """Decide a dispute, with the reasons for it; it holds for this version until somebody disputes again.

    Raises IllegalStanding where nothing is disputed, SelfReview for an author, Validation for too short a rationale.
    """
    require(actor, "foothold.decide", foothold)
    said = texts.prose(rationale, at="/rationale", longest=LONGEST, shortest=SHORTEST_RATIONALE)
    changes.take_turn(foothold)
    locked = Foothold.objects.get(pk=foothold.pk)
    if locked.state != Foothold.State.DISPUTED:
        raise IllegalStanding(accession=locked.accession, standing=locked.state, verb="resolved")
    if locked.revisions.filter(author=actor).exists():
        raise SelfReview(accession=locked.accession)
    stood = locked.reviews.filter(superseded_at=None, version=locked.head_version)
    decided = Resolution.objects.create(
        foothold=locked,
        version=locked.head_version,
        curator=actor,
        outcome=outcome,
        rationale=said,
        considered=sorted(stood.values_list("pk", flat=True)),
    )
    standing.recompute(locked)
    foothold.refresh_from_db()
    notifications.of_resolution(decided)
    changes.record(actor, "foothold.resolve", locked.accession, outcome=outcome)
    return decided


def _team(actor: Contributor, foothold: Foothold, wanted: Team | None) -> Team:
    """The team a verdict is cast for: the one named, the claim's own, or the only one there is."""
    teams = list(reviewing_teams(actor, foothold).order_by("pk"))
    if wanted is not None:
        if wanted not in teams:
            raise Validation(errors=[_of_team("You do not review for this team here.")])
        return wanted
    own = [team for team in teams if team.pk == foothold.team_id]
    if not own and len(teams) > 1:
        names = ", ".join(team.slug for team in teams[:10])
        raise Validation(errors=[_of_team(f"You review for several: name one of {names}.")])
    return (own or teams)[0]


def _require_reasons(verdict: str, reason: str, text: str) -> None:
    disputes = verdict == Review.Verdict.DISPUTE
    errors = texts.faults_of_prose(text, at="/text", longest=LONGEST, shortest=SHORTEST_REASON if disputes else 0)
    if disputes and not reason:
        errors.append({"pointer": "/reason", "code": "required", "detail": "A dispute says why."})
    if errors:
        raise Validation(errors=errors)


def _of_team(detail: str) -> dict[str, str]:
    return {"pointer": "/team", "code": "not-fitting", "detail": detail}
