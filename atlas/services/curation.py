"""What may change about a checkpoint: how it is described, who sees it, whether it is advised, whose it is; no fact."""

from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from atlas import texts
from atlas.errors import EditConflict, StillDraft
from atlas.models import Checkpoint, Contributor, Visibility
from atlas.permissions import require
from atlas.services import changes, teams
from atlas.validation import named_at

ADVISED = (Checkpoint.Status.PUBLISHED.value, Checkpoint.Status.DEPRECATED.value)
EDITABLE = {
    "title": {
        "type": "string",
        "minLength": 1,
        "maxLength": 120,
        "pattern": r"\S",
        "description": "As people read it.",
    },
    "summary": {"type": "string", "maxLength": 4000, "description": "What it is, in a few sentences."},
    "visibility": {
        "type": "string",
        "enum": Visibility.values,
        "description": "Who may read it, once it is published: its team or everybody.",
    },
    "status": {
        "type": "string",
        "enum": list(ADVISED),
        "description": "A deprecated checkpoint stays as it is, and is no longer advised.",
    },
    "team": {"type": "string", "maxLength": 40, "description": "The team that is to own it, by slug."},
}


def describe(*, actor: Contributor, checkpoint: Checkpoint, based_on: str, **given: str) -> Checkpoint:
    """Give it another title or summary; raises EditConflict when it has changed since `based_on`, TextPolicy."""
    if "title" in given:
        given["title"] = texts.line(given["title"], at="/title", longest=120)
    if "summary" in given:
        given["summary"] = texts.prose(given["summary"], at="/summary", longest=4_000)
    return _done("checkpoint.describe", actor, checkpoint, based_on, **given)


def show(*, actor: Contributor, checkpoint: Checkpoint, based_on: str, visibility: str) -> Checkpoint:
    """Let everybody read it, or its team only; raises EditConflict."""
    return _done("checkpoint.show", actor, checkpoint, based_on, visibility=visibility)


def set_status(*, actor: Contributor, checkpoint: Checkpoint, based_on: str, status: str) -> Checkpoint:
    """Advise against it, or for it again; raises EditConflict, and StillDraft for what nobody has registered yet."""
    if checkpoint.status not in ADVISED:
        raise StillDraft(slug=checkpoint.slug)
    return _done("checkpoint.set-status", actor, checkpoint, based_on, status=status)


def transfer(*, actor: Contributor, checkpoint: Checkpoint, based_on: str, team: str) -> Checkpoint:
    """Give it to another team in which the actor is curator, too; raises EditConflict, Validation for no such team."""
    require(actor, "checkpoint.transfer", checkpoint)
    with named_at("/team"):
        owner = teams.find(team, actor=actor)
    require(actor, "checkpoint.register", owner)
    return _done("checkpoint.transfer", actor, checkpoint, based_on, team=owner)


# In the order in which several are done: whoever has given it away may edit it no longer.
VERBS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (describe, ("title", "summary")),
    (show, ("visibility",)),
    (set_status, ("status",)),
    (transfer, ("team",)),
)


@transaction.atomic
def edit(*, actor: Contributor, checkpoint: Checkpoint, based_on: str, **given: str) -> Checkpoint:
    """All of these edits or none of them; `given` are members of EDITABLE, each valid by itself."""
    for verb, names in VERBS:
        chosen = {name: given[name] for name in names if name in given}
        if chosen:
            checkpoint = verb(actor=actor, checkpoint=checkpoint, based_on=based_on, **chosen)
            based_on = checkpoint.version_tag
    return checkpoint


@transaction.atomic
def _done(verb: str, actor: Contributor, checkpoint: Checkpoint, based_on: str, **columns: Any) -> Checkpoint:
    require(actor, verb, checkpoint)
    seen: QuerySet[Checkpoint] = Checkpoint.objects.filter(pk=checkpoint.pk, version=checkpoint.version)
    if based_on != checkpoint.version_tag or not seen.update(version=F("version") + 1, **columns):
        raise EditConflict(seen=based_on[:80], current=checkpoint.version_tag)
    changes.record(actor, verb, checkpoint.slug, changed=sorted(columns))
    return Checkpoint.objects.select_related("team").get(pk=checkpoint.pk)
