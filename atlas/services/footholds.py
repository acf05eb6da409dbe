"""Claims: made, revised by who saw the newest version, proposed, withdrawn, decided on. Nothing said is ever lost."""

import re
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Case, F, Q, QuerySet, Value, When

from atlas import accessions, texts
from atlas.belonging import reader
from atlas.contents import CONTENTS
from atlas.errors import EditConflict, Gone, IllegalStanding, NoSuchFoothold, NoSuchVersion, Validation
from atlas.models import (
    Byline,
    Checkpoint,
    Contributor,
    Foothold,
    FootholdNeuron,
    FootholdTerm,
    ModerationEntry,
    Reference,
    Revision,
    Team,
    Visibility,
)
from atlas.permissions import readable_footholds, require
from atlas.remembering import once
from atlas.services import around, changes, indexing, merging, notifications, rules, standing, uploads, watches
from atlas.services.settling import Settled, settle
from atlas.validation import named_at

Standing = Foothold.Standing
UNREAD = tuple(f"checkpoint__{name}" for name in ("graph", "response_check", "labels", "card"))  # large


# --- finding ----------------------------------------------------------------------------------------------------------
def find(accession: str, *, actor: Contributor | None) -> Foothold:
    """The foothold of this accession, if this person may read it.

    Raises NoSuchFoothold, with accessions one slip away that there are; Gone where a moderator took it away.
    """
    wanted = accessions.read(accession[:40])
    if not accessions.is_valid(wanted):
        meant = _readable(actor).filter(accession__in=list(accessions.neighbours(wanted)))
        near = sorted(meant.values_list("accession", flat=True))
        raise NoSuchFoothold(accession=accession[:40], did_you_mean=near)
    found = once(("foothold", wanted, reader(actor)), lambda: _readable(actor).filter(accession=wanted).first())
    if found is None:
        _require_not_gone(wanted)
        raise NoSuchFoothold(accession=wanted, did_you_mean=[])
    return found


def _readable(actor: Contributor | None) -> QuerySet[Foothold]:
    rows = Foothold.objects.filter(readable_footholds(actor))
    return rows.select_related("checkpoint", "team", "created_by").defer(*UNREAD)


def _require_not_gone(accession: str) -> None:
    """Gone, if everybody could read it before a moderator decided: then its tombstone tells nothing new."""
    public = Q(checkpoint__isnull=True) | Q(checkpoint__visibility=Visibility.PUBLIC)
    once_read = Foothold.objects.filter(public, accession=accession, visibility=Visibility.PUBLIC)
    if once_read.exclude(standing=Standing.DRAFT).exclude(moderation=Foothold.Moderation.VISIBLE).exists():
        raise Gone(accession=accession)


def successor(foothold: Foothold, *, actor: Contributor | None) -> Foothold | None:
    """What says it now, of a merged one, if this person may read that."""
    to = foothold.replaced_by_id
    return _readable(actor).filter(pk=to).first() if to is not None else None


def revision(foothold: Foothold, version: int) -> Revision:
    """One version; raises NoSuchVersion."""
    found = next((it for it in around.versions(foothold) if it.version == version), None)
    if found is None:
        raise NoSuchVersion(accession=foothold.accession, version=version, last=foothold.head_version)
    return found


def revision_named(foothold: Foothold, text: str) -> Revision:
    """The version that an address names; raises NoSuchVersion."""
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text, flags=re.ASCII):
        raise NoSuchVersion(accession=foothold.accession, version=text[:20], last=foothold.head_version)
    return revision(foothold, int(text))


# --- writing ----------------------------------------------------------------------------------------------------------
@transaction.atomic
def create(
    *,
    actor: Contributor,
    kind: str,
    checkpoint: Checkpoint | None,
    team: Team,
    content: Any,
    summary: str = "",
    visibility: str = Visibility.PUBLIC,
    draft: bool = False,
    derived_from: str = "",
    source: str = "",
    external_id: str = "",
) -> Foothold:
    """A new claim in its first version; raises Validation with every fault.

    On a checkpoint that is a team's own, the claim belongs to that team. `source` and `external_id` say where an
    imported one comes from.
    """
    settled = judged(actor=actor, kind=kind, checkpoint=checkpoint, team=team, content=content)
    _require_source(derived_from, actor)
    foothold = _named(
        kind,
        checkpoint=checkpoint,
        team=team,
        created_by=actor,
        title=settled.title,
        visibility=visibility,
        standing=Standing.DRAFT if draft else Standing.OPEN,
        source=source,
        external_id=external_id,
    )
    _append(foothold, settled, author=actor, version=1, summary=summary, derived_from=derived_from)
    standing.recompute(foothold)
    notifications.of_claim(foothold, actor=actor)
    changes.record(actor, "foothold.create", foothold.accession, kind=kind)
    return foothold


def judged(*, actor: Contributor, kind: str, checkpoint: Checkpoint | None, team: Team, content: Any) -> Settled:
    """What `create` would record, or what it would raise."""
    require(actor, "foothold.create", team)
    require_fitting(kind, checkpoint, team)
    settled = settle(content, kind=kind, checkpoint=checkpoint, actor=actor)
    rules.require(settled)
    return settled


def require_fitting(kind: str, checkpoint: Checkpoint | None, team: Team) -> None:
    """Raise Validation for a claim about nothing, and for another team's about a checkpoint that is a team's own."""
    if checkpoint is None and kind != Foothold.Kind.COLLECTION:
        raise Validation(errors=[{"pointer": "/checkpoint", "code": "required", "detail": "Missing."}])
    if checkpoint is not None and checkpoint.visibility != Visibility.PUBLIC and checkpoint.team_id != team.pk:
        detail = "What is said of a team's own checkpoint belongs to that team."
        raise Validation(errors=[{"pointer": "/team", "code": "another-team", "detail": detail}])


def _require_source(derived_from: str, actor: Contributor) -> None:
    """What a copy was made of is a version that its author could read."""
    if not derived_from:
        return
    accession, _, version = derived_from.rpartition(".")
    with named_at("/derived_from"):
        revision_named(find(accession, actor=actor), version)


def _named(kind: str, **columns: Any) -> Foothold:
    """A row under a name that nobody has; the database says whether somebody does."""
    while True:
        accession = accessions.make(CONTENTS[kind].letter)
        try:
            with transaction.atomic():
                return Foothold.objects.create(accession=accession, kind=kind, **columns)
        except IntegrityError:
            if not Foothold.objects.filter(accession=accession).exists():
                raise


@transaction.atomic
def revise(
    *,
    actor: Contributor,
    foothold: Foothold,
    content: Any,
    based_on: int,
    summary: str = "",
    restores: int | None = None,
) -> Revision:
    """Add a version on top of the one its author was looking at.

    Raises EditConflict with base, mine, theirs and a merge of disjoint fields when another was faster; Validation;
    IllegalStanding for what has ended.
    """
    base = revision(foothold, based_on)
    settled = judged_anew(actor=actor, foothold=foothold, content=content, base=base)
    # One conditional UPDATE: of two editors of one version the database lets one win.
    advanced = Foothold.objects.filter(pk=foothold.pk, head_version=based_on).update(
        head_version=F("head_version") + 1, title=settled.title
    )
    if not advanced:
        foothold.refresh_from_db(fields=["head_version"])
        raise conflict(foothold, base=base, mine=settled.content)
    if settled.content == base.content:
        detail = "This is what it says already."
        raise Validation(errors=[{"pointer": "/content", "code": "unchanged", "detail": detail}])
    foothold.refresh_from_db()
    added = _append(
        foothold, settled, author=actor, version=based_on + 1, summary=summary, base_version=based_on, restores=restores
    )
    standing.recompute(foothold)
    notifications.of_version(added)
    changes.record(actor, "foothold.revise", foothold.accession, version=added.version)
    return added


def require_open(foothold: Foothold) -> None:
    """Raise IllegalStanding for what has ended, and is revised no more."""
    _require_standing(foothold, "revised", Standing.DRAFT, Standing.OPEN)


def judged_anew(*, actor: Contributor, foothold: Foothold, content: Any, base: Revision) -> Settled:
    """What `revise` would record on top of `base`, or what it would raise."""
    require(actor, "foothold.revise", foothold)
    require_open(foothold)
    settled = settle(content, kind=foothold.kind, checkpoint=foothold.checkpoint, actor=actor)
    _require_same_subject(settled, base)
    rules.require(settled)
    return settled


def conflict(foothold: Foothold, *, base: Revision, mine: dict[str, Any]) -> EditConflict:
    """What an editor who came second is told: nothing of theirs is lost."""
    head = revision(foothold, foothold.head_version)
    found = merging.compare(base.content, mine, head.content)
    return EditConflict(
        seen=f"{foothold.accession}.{base.version}",
        current=foothold.version_tag,
        base={"version": base.version, "content": base.content},
        mine={"content": mine},
        theirs={
            "version": head.version,
            "content": head.content,
            "author": head.author.handle,
            "summary": head.summary,
        },
        fields={"mine": list(found.mine), "theirs": list(found.theirs), "clashing": list(found.clashing)},
        mergeable=found.merged is not None,
        merge=found.merged,
    )


def restore(*, actor: Contributor, foothold: Foothold, version: int, based_on: int, summary: str = "") -> Revision:
    """Bring the content of an earlier version back, as a new one."""
    earlier = revision(foothold, version)
    said = summary or f"Restores version {version}."
    content = earlier.content
    return revise(actor=actor, foothold=foothold, content=content, based_on=based_on, summary=said, restores=version)


def _append(foothold: Foothold, settled: Settled, *, author: Contributor, version: int, **columns: Any) -> Revision:
    added = Revision.objects.create(
        foothold=foothold,
        version=version,
        author=author,
        byline=_byline(author),
        content=settled.content,
        content_sha256=settled.sha256,
        **{**columns, "summary": texts.line(columns.get("summary", ""), at="/summary", longest=300, shortest=0)},
    )
    _index(foothold, settled)
    uploads.show(foothold, settled, version=version)
    watches.begin(author, foothold)
    indexing.keep(foothold, added)
    return added


def _byline(author: Contributor) -> Byline:
    """The name by which they sign today."""
    name = Contributor.objects.values_list("citation_name", flat=True).get(pk=author.pk)
    known = Byline.objects.filter(contributor=author, name=name).first()
    return known or Byline.objects.create(contributor=author, name=name)


def _index(foothold: Foothold, settled: Settled) -> None:
    """What the newest version names, as rows to look it up by."""
    for model in (FootholdNeuron, FootholdTerm, Reference):
        model._default_manager.filter(foothold=foothold).delete()
    neurons = {
        (settled.neurons[it.pointer].pk, it.role) for it in settled.mentions if it.what == "unit" and it.role != "end"
    }
    FootholdNeuron.objects.bulk_create(
        FootholdNeuron(foothold=foothold, neuron_id=neuron, role=role) for neuron, role in sorted(neurons)
    )
    terms = {(settled.terms[it.pointer].pk, it.role) for it in settled.mentions if it.what == "term"}
    FootholdTerm.objects.bulk_create(
        FootholdTerm(foothold=foothold, term_id=term, polarity=polarity) for term, polarity in sorted(terms)
    )
    named = {(settled.footholds[it.pointer].pk, it.role) for it in settled.mentions if it.what == "foothold"}
    Reference.objects.bulk_create(
        Reference(foothold=foothold, target_id=target, role=role) for target, role in sorted(named)
    )


def _require_same_subject(settled: Settled, base: Revision) -> None:
    errors = [
        {"pointer": f"/content/{name}", "code": "read-only-field", "detail": "With another one it is another claim."}
        for name in settled.kind.fixed
        if settled.content.get(name) != base.content.get(name)
    ]
    if errors:
        raise Validation(errors=errors)


# --- deciding ---------------------------------------------------------------------------------------------------------
def propose(*, actor: Contributor, foothold: Foothold) -> Foothold:
    """draft → proposed: now others read it and review it."""
    return decide(actor, "foothold.revise", foothold, "proposed", (Standing.DRAFT,), standing=Standing.OPEN)


@transaction.atomic
def withdraw(*, actor: Contributor, foothold: Foothold, reason: str = "") -> Foothold:
    """Its author takes it back; it stays readable, with a banner: a draft, which nobody else has read, to its team."""
    changes.take_turn(foothold)
    was = Foothold.objects.values("standing", "visibility").get(pk=foothold.pk)  # `withdrawals` brings it back
    columns = {
        "standing": Standing.WITHDRAWN,
        "standing_reason": texts.prose(reason, at="/reason", longest=1_000),
        "visibility": Case(When(standing=Standing.DRAFT, then=Value(str(Visibility.TEAM))), default=F("visibility")),
    }
    allowed = (Standing.DRAFT, Standing.OPEN)
    return decide(actor, "foothold.withdraw", foothold, "withdrawn", allowed, facts={"was": was}, **columns)


def retract(*, actor: Contributor, foothold: Foothold, reason: str) -> Foothold:
    """A curator takes it back, and says why; raises Validation without a reason."""
    columns = {"standing": Standing.RETRACTED, "standing_reason": _reason(reason)}
    return decide(actor, "foothold.decide", foothold, "retracted", (Standing.OPEN, Standing.WITHDRAWN), **columns)


@transaction.atomic
def merge(*, actor: Contributor, foothold: Foothold, into: Foothold, reason: str) -> Foothold:
    """Say that another foothold says it: this address leads there from now on, its versions stay.

    Raises Validation for one of another kind, for itself, and for one that does not stand.
    """
    require(actor, "foothold.decide", foothold)
    changes.take_turn(*sorted((foothold, into), key=lambda row: row.pk))  # or two would lead to each other
    into.refresh_from_db(fields=["standing"])
    fitting = into.kind == foothold.kind and into.pk != foothold.pk and into.standing == Standing.OPEN
    if not fitting:
        detail = f"Name another {foothold.kind} that stands."
        raise Validation(errors=[{"pointer": "/into", "code": "not-fitting", "detail": detail}])
    columns = {"standing": Standing.MERGED, "standing_reason": _reason(reason), "replaced_by": into}
    return decide(actor, "foothold.decide", foothold, "merged", (Standing.OPEN,), **columns)


def set_rank(*, actor: Contributor, foothold: Foothold, rank: str) -> Foothold:
    """Say which of several claims about one thing is shown first."""
    return decide(actor, "foothold.decide", foothold, "ranked", (Standing.DRAFT, Standing.OPEN), rank=rank)


def publish(*, actor: Contributor, foothold: Foothold) -> Foothold:
    """team → public. It does not go back: somebody may have cited it."""
    everyone = tuple(Standing)
    return decide(actor, "foothold.decide", foothold, "published", everyone, visibility=Visibility.PUBLIC)


@transaction.atomic
def moderate(*, actor: Contributor, foothold: Foothold, to: str, reason: str) -> Foothold:
    """Hide what does not belong here, or show it again; the decision is kept."""
    require(actor, "foothold.moderate", foothold)
    changes.take_turn(foothold)
    locked = Foothold.objects.get(pk=foothold.pk)
    ModerationEntry.objects.create(
        foothold=locked, was=locked.moderation, now=to, reason=_reason(reason), moderator=actor
    )
    Foothold.objects.filter(pk=locked.pk).update(moderation=to)
    foothold.refresh_from_db()
    standing.recompute(foothold)
    changes.record(actor, "foothold.moderate", foothold.accession, to=to)
    return foothold


@transaction.atomic
def decide(
    actor: Contributor, verb: str, foothold: Foothold, done: str, allowed: tuple[Standing, ...], **columns: Any
) -> Foothold:
    """One conditional UPDATE: the decision holds only if the foothold still stands as whoever decided believed."""
    facts = columns.pop("facts", {})  # for the trace
    require(actor, verb, foothold)
    if not Foothold.objects.filter(pk=foothold.pk, standing__in=allowed).update(**columns):
        foothold.refresh_from_db(fields=["standing"])
        raise IllegalStanding(accession=foothold.accession, standing=foothold.standing, verb=done)
    foothold.refresh_from_db()
    standing.recompute(foothold)
    if done in ("proposed", "published"):
        notifications.of_claim(foothold, actor=actor)
    elif done in ("retracted", "merged"):
        notifications.of_decision(foothold, actor=actor, done=done)
    changes.record(actor, f"foothold.{done}", foothold.accession, **facts)
    return foothold


def _require_standing(foothold: Foothold, done: str, *allowed: Standing) -> None:
    if foothold.standing not in allowed:
        raise IllegalStanding(accession=foothold.accession, standing=foothold.standing, verb=done)


def _reason(reason: str) -> str:
    return texts.prose(reason, at="/reason", longest=1_000, shortest=1)
