"""What speaks for or against a claim: made in one step from a finished job, attached to many claims, taken back."""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from atlas import texts
from atlas.belonging import memberships_of
from atlas.errors import NoSuchSupport, Validation
from atlas.models import Checkpoint, Contributor, Foothold, Job, Support, Team
from atlas.permissions import permits, require
from atlas.services import changes, footholds, notifications, standing

CLAIMS = (Foothold.Kind.DESCRIPTION, Foothold.Kind.LINK, Foothold.Kind.CIRCUIT)
# What a probe's finding is evidence by.
METHODS = {
    "feature-visualization": "FV",
    "activations": "DX",
    "tuning": "SX",
    "connections": "FI",
    "intervention": "AB",
}


@transaction.atomic
def attach(
    *,
    actor: Contributor,
    evidence: Foothold,
    claim: Foothold,
    role: str = Support.Role.SUPPORTS,
    facet: str = "",
    note: str = "",
) -> Support:
    """Say that evidence speaks for or against a claim as it stands now; said twice, it is said once.

    Raises Validation where one is no evidence, the other no claim, or they are about different checkpoints.
    """
    require(actor, "foothold.revise", evidence)
    _require_fitting(evidence, claim)
    written = texts.line(note, at="/note", longest=500, shortest=0)
    said = {"evidence": evidence, "claim": claim, "role": role, "facet": facet}
    known = Support.objects.filter(**said, withdrawn_at=None).first()
    if known:
        return known
    changes.take_turn(claim)
    try:
        with transaction.atomic():
            made = Support.objects.create(
                **said,
                claim_version=claim.head_version,
                note=written,
                by=actor,
            )
    except IntegrityError:  # somebody said the same just now
        return Support.objects.get(**said, withdrawn_at=None)
    standing.recompute(claim)
    notifications.of_evidence(made)
    changes.record(actor, "evidence.attach", evidence.accession, claim=claim.accession, role=role)
    return made


@transaction.atomic
def detach(*, actor: Contributor, evidence: Foothold, claim: Foothold, role: str, facet: str = "") -> None:
    """Take back what was said; that it was said stays in the record. Raises NoSuchSupport."""
    require(actor, "foothold.revise", evidence)
    changes.take_turn(claim)
    rows = Support.objects.filter(evidence=evidence, claim=claim, role=role, facet=facet, withdrawn_at=None)
    if not rows.update(withdrawn_at=timezone.now()):
        raise NoSuchSupport(evidence=evidence.accession, claim=claim.accession)
    standing.recompute(claim)
    changes.record(actor, "evidence.detach", evidence.accession, claim=claim.accession, role=role)


@transaction.atomic
def give(
    *,
    actor: Contributor,
    claim: Foothold,
    content: dict[str, Any],
    team: Team | None = None,
    role: str = Support.Role.SUPPORTS,
    facet: str = "",
    note: str = "",
) -> Foothold:
    """Make evidence for a claim and attach it, in one step and one transaction.

    Unless a team is named, the evidence is the claim's team's if its giver writes in that, else their own space's.
    """
    made = footholds.create(
        actor=actor,
        kind=Foothold.Kind.EVIDENCE,
        checkpoint=claim.checkpoint,
        team=team or _team_of(actor, claim),
        content=content,
        visibility=claim.visibility,
    )
    attach(actor=actor, evidence=made, claim=claim, role=role, facet=facet, note=note)
    return made


@transaction.atomic
def begin(*, actor: Contributor, job: str, checkpoint: Checkpoint, **claim: Any) -> Foothold:
    """Make a claim on what a finished job found, with that as its evidence, in one transaction; else as `create`."""
    made = footholds.create(actor=actor, checkpoint=checkpoint, **claim)
    give(actor=actor, claim=made, content=asked(job, claim=made, interpretation=""), team=claim["team"])
    return made


def asked(fingerprint: str, *, claim: Foothold, interpretation: str) -> dict[str, Any]:
    """The content of evidence that a job of the claim's checkpoint is; raises Validation where there is none."""
    job = Job.objects.filter(fingerprint=fingerprint, checkpoint=claim.checkpoint).select_related("probe").first()
    if job is None:
        detail = "There is no such job of this checkpoint."
        raise Validation(errors=[{"pointer": "/job", "code": "not-found", "detail": detail}])
    return from_job(job, interpretation=interpretation)


def from_job(job: Job, *, interpretation: str = "") -> dict[str, Any]:
    """The content of evidence that a finished job's finding is."""
    method = METHODS.get(job.probe.name, "SX")
    return {"method": method, "assertion": "automatic", "jobs": [job.fingerprint], "interpretation": interpretation}


def _team_of(actor: Contributor, claim: Foothold) -> Team:
    own = memberships_of(actor).filter(team__person=actor).select_related("team").first()
    return claim.team if own is None or permits(actor, "foothold.create", claim.team) else own.team


def _require_fitting(evidence: Foothold, claim: Foothold) -> None:
    faults = (
        (evidence.kind != Foothold.Kind.EVIDENCE, "/evidence", f"{evidence.accession} is no evidence."),
        (claim.kind not in CLAIMS, "/claim", f"{claim.accession} is no claim that evidence could speak to."),
        (evidence.checkpoint_id != claim.checkpoint_id, "/evidence", "It is about another checkpoint."),
    )
    errors = [{"pointer": at, "code": "not-fitting", "detail": detail} for wrong, at, detail in faults if wrong]
    if errors:
        raise Validation(errors=errors)
