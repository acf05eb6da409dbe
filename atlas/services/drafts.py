"""Uploads: a file is stored as a draft and asks one question, and only the answer to that question publishes it."""

from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from django.db import transaction
from django.db.models import F, QuerySet

from atlas import canonical
from atlas.belonging import memberships_of
from atlas.errors import BadCard, CheckpointEmpty, RegisteredElsewhere, UploadReplaced, Validation
from atlas.models import Checkpoint, Contributor, Job, Role, Team, Visibility
from atlas.permissions import is_operator, may_read, permits, require
from atlas.services import artifacts, catalog, changes, checkpoints, jobs, teams
from atlas.services.checkpoints import Registration
from atlas.services.jobs import Asked
from atlas.services.questions import Question
from atlas.storage import hash_of
from atlas.validation import named_at

REGISTER = "checkpoint.register"  # or dataset.register, which is as demanding


def owners(actor: Contributor, *, verb: str = REGISTER) -> list[Team]:
    """The teams for which somebody may upload, by slug; raises Forbidden for who may for none, nor as the operator."""
    found = _curated(actor)
    require(actor, verb, found[0] if found else None)
    return found


def may_upload(actor: Contributor | None, *, verb: str = REGISTER) -> bool:
    """Whether somebody may upload at all; for pages that show or hide the way to the form."""
    found = _curated(actor) if actor else []
    return permits(actor, verb, found[0] if found else None)


def owner(slug: str | None, *, actor: Contributor) -> Team | None:
    """The team that is to own an upload: the one named, or the only one there is; None is the atlas itself.

    Raises Validation: the same for a team that one may not know of and for none.
    """
    if slug is not None:
        with named_at("/team"):
            return teams.find(slug, actor=actor)
    if is_operator(actor):
        return None
    found = owners(actor)
    if len(found) > 1:
        detail = f"Say for which of your teams: {', '.join(team.slug for team in found)}."
        raise Validation(errors=[{"pointer": "/team", "code": "required", "detail": detail}])
    return found[0]


def read_card(text: str) -> dict[str, Any]:
    """The card in a field of a form; raises Validation with pointers into that field."""
    try:
        return checkpoints.parse_card(text)
    except BadCard as error:
        faults = [{**fault, "pointer": f"/card{fault['pointer']}"} for fault in error.errors]
        raise Validation(errors=faults) from None


def upload(
    *,
    actor: Contributor,
    slug: str,
    architecture: str,
    card: dict[str, Any],
    weights: Path | IO[bytes],
    sha256: str,
    team: Team | None,
    visibility: str | None = None,
) -> Asked:
    """Store a file as a draft and ask for its registration; a draft of the same team is replaced.

    `card` as `checkpoints.read_card` returns it, `sha256` that of the file. The same file, card and architecture under
    the same slug are the same question, whatever has become of it. Where nothing is said a team's checkpoint is for
    the team. Raises BadSlug, CheckpointEmpty, NoSuchProbe, Validation for a slug in use.
    """
    require(actor, "checkpoint.register", team)
    checkpoints.require_slug(slug)
    if sha256 == hash_of(()):
        raise CheckpointEmpty()
    row = Checkpoint.objects.filter(slug=slug).first() or Checkpoint(slug=slug, team=team)
    question = _question(row, architecture=architecture, upload=sha256, card=canonical.sha256(card))
    if not _is_theirs(row, team, question):
        raise _in_use()
    if row.digest is not None:
        return jobs.queue(actor=actor, questions=[question])
    given = {"architecture": architecture, "card": card, "registered_by": actor, **checkpoints.described(card)}
    given |= {"visibility": visibility} if visibility else {}
    artifact = artifacts.keep(weights, media_type=artifacts.SAFETENSORS)  # a row without its file would be a lie
    with transaction.atomic():
        row = _drafted(slug, team=team, upload=artifact, question=question.fingerprint, **given)
        _withdraw_others(row, actor=actor)
        changes.record(actor, "checkpoint.upload", slug, upload=sha256)
        return jobs.queue(actor=actor, questions=[replace(question, checkpoint=row)])


def publish(
    job: Job, *, facts: Registration, weights: Path, provenance: dict[str, Any], acting_for: Contributor | None
) -> Checkpoint:
    """running → done and draft → published, in one transaction: identity, layers, neurons, and the finding.

    `weights` is the canonical file. Raises LeaseLost, UploadReplaced, RegisteredElsewhere; nothing is written then.
    """
    _require_unknown(facts.digest, of=job.checkpoint)
    artifact = artifacts.keep(weights, media_type=artifacts.SAFETENSORS)
    numbers = {
        "digest": facts.digest,
        "layers": len(facts.layers),
        "neurons": sum(layer.channels for layer in facts.layers),
        "parameters": facts.parameters,
    }
    with transaction.atomic():
        jobs.finish(job, numbers=numbers, provenance=provenance, shown=())
        written = checkpoints.identity(facts, artifact) | {"status": Checkpoint.Status.PUBLISHED}
        settled = {"upload": None, "card": None, "question": "", "version": F("version") + 1}
        if not current(job).update(**written, **settled):
            raise UploadReplaced(slug=job.checkpoint.slug)
        row = Checkpoint.objects.get(pk=job.checkpoint_id)
        checkpoints.furnish(row, facts)
        changes.record(acting_for, "checkpoint.publish", row.slug, digest=facts.digest)
    return row


def current(job: Job) -> QuerySet[Checkpoint]:
    """The draft that this job's answer would publish; none when something else was uploaded meanwhile."""
    return Checkpoint.objects.filter(pk=job.checkpoint_id, digest__isnull=True, question=job.fingerprint)


def _curated(actor: Contributor) -> list[Team]:
    rows = memberships_of(actor).filter(role__gte=Role.CURATOR, team__person__isnull=True).select_related("team")
    return [row.team for row in rows.order_by("team__slug")]


def _is_theirs(row: Checkpoint, team: Team | None, question: Question) -> bool:
    """Whether the slug is free, this team's draft, or was this team's draft when it asked this very question."""
    if row.team_id != (team.pk if team else None):
        return False
    return row.digest is None or Job.objects.filter(fingerprint=question.fingerprint).exists()


def _drafted(slug: str, *, team: Team | None, **given: Any) -> Checkpoint:
    ownership = {"team": team, "visibility": Visibility.TEAM if team else Visibility.PUBLIC}
    row, new = Checkpoint.objects.get_or_create(slug=slug, defaults={**ownership, **given})
    if not new:
        # Of two that upload at once, or when it is being published right now, the database says who was first.
        draft = Checkpoint.objects.filter(pk=row.pk, team=team, digest__isnull=True)
        if not draft.update(version=F("version") + 1, **given):
            raise _in_use()
        row.refresh_from_db()
    return row


def _question(row: Checkpoint, **asked: str) -> Question:
    return Question(
        checkpoint=row,
        probe=catalog.newest(catalog.REGISTER),
        subject={"kind": "checkpoint", "units": []},
        text=row.slug,
        neuron=None,
        layers=[],
        site="",
        params=asked,
        dataset=None,
        of=row.slug,
    )


def _withdraw_others(row: Checkpoint, *, actor: Contributor) -> None:
    """Stop registering what was uploaded before."""
    for job in row.jobs.filter(state__in=Job.OPEN).exclude(fingerprint=row.question):
        jobs.withdraw(job, actor=actor)


def _require_unknown(digest: str, *, of: Checkpoint) -> None:
    known = Checkpoint.objects.filter(digest=digest).first()
    if known is not None:
        # Whoever may not read it learns that somebody has it, and no more.
        named = may_read(None, known) or (known.team_id is not None and known.team_id == of.team_id)
        raise RegisteredElsewhere(slug=known.slug if named else "one that only its own team may read")


def _in_use() -> Validation:
    """The same for a slug whose checkpoint one may read, and for one that one may not know of."""
    detail = "Is in use, and a slug is never reused."
    return Validation(errors=[{"pointer": "/slug", "code": "not-free", "detail": detail}])
