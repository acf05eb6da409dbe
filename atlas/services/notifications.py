"""Telling people what they want to hear of: once, never of their own doing, and only what they may read just then."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from atlas.models import (
    Comment,
    Contributor,
    DigestChoice,
    Foothold,
    Notification,
    Resolution,
    Review,
    Revision,
    Support,
    Trial,
    User,
    Watch,
)
from atlas.permissions import readable_footholds, readers_of, require
from atlas.services import changes, standing

Reason = Notification.Reason
# They tell that somebody gave a verdict: not as long as a blind review hides that.
OF_VERDICTS = (Reason.VERDICT, Reason.DECISION)
DECIDED = {"resolution": "resolved the dispute", "retracted": "retracted it", "merged": "merged it into another"}


# --- telling ----------------------------------------------------------------------------------------------------------
def of_comment(comment: Comment, *, mentioned: Iterable[int]) -> None:
    """Those who are named in a comment, those whom it answers, and those who watch."""
    to = dict.fromkeys(_watchers(comment.foothold), Reason.COMMENT)
    if comment.thread is not None and comment.reply_to is not None:
        to |= dict.fromkeys((comment.thread.author_id, comment.reply_to.author_id), Reason.REPLY)
    to |= dict.fromkeys(mentioned, Reason.MENTION)
    _tell(f"comment:{comment.pk}", comment.author, comment.foothold, to, comment=comment)


def of_mentions(comment: Comment, *, mentioned: Iterable[int]) -> None:
    """Those whom an edit named. Of the comment nobody hears twice."""
    to = dict.fromkeys(mentioned, Reason.MENTION)
    _tell(f"comment:{comment.pk}", comment.author, comment.foothold, to, comment=comment)


def of_version(revision: Revision) -> None:
    """Those who watch what has a new version."""
    foothold = revision.foothold
    to = dict.fromkeys(_watchers(foothold), Reason.VERSION)
    _tell(f"version:{foothold.accession}.{revision.version}", revision.author, foothold, to)


def of_verdict(review: Review) -> None:
    """Those who watch, except whoever a blind review keeps from knowing."""
    to = dict.fromkeys(_watchers(review.foothold), Reason.VERDICT)
    _tell(f"review:{review.pk}", review.reviewer, review.foothold, to)


def of_resolution(resolution: Resolution) -> None:
    """Those who watch what a curator decided."""
    to = dict.fromkeys(_watchers(resolution.foothold), Reason.DECISION)
    _tell(f"resolution:{resolution.pk}", resolution.curator, resolution.foothold, to)


def of_decision(foothold: Foothold, *, actor: Contributor, done: str) -> None:
    """Those who watch what was retracted or merged."""
    to = dict.fromkeys(_watchers(foothold), Reason.DECISION)
    _tell(f"{done}:{foothold.accession}", actor, foothold, to)


def of_evidence(support: Support) -> None:
    """Those who watch a claim, and may read what speaks of it."""
    to = dict.fromkeys(_watchers(support.claim), Reason.EVIDENCE)
    _tell(f"support:{support.pk}", support.by, support.claim, to, evidence=support.evidence)


def of_trial(trial: Trial) -> None:
    """Those who watch a claim that was put to the test, once its job has ended; who asked, too: a worker answered."""
    to = dict.fromkeys(_watchers(trial.foothold), Reason.TRIAL)
    _tell(f"trial:{trial.pk}:{trial.job.generation}", trial.by, trial.foothold, to, sparing=False)


def of_claim(foothold: Foothold, *, actor: Contributor) -> None:
    """Those who watch a neuron that it is about. Of what others may not read yet, they hear once they may."""
    neurons = foothold.neurons.values("neuron")
    watches = Watch.objects.filter(neuron__in=neurons, level=Watch.Level.EVERYTHING)
    to = dict.fromkeys(watches.values_list("contributor", flat=True), Reason.CLAIM)
    _tell(f"claim:{foothold.accession}", actor, foothold, to)


def _watchers(foothold: Foothold) -> QuerySet[Watch, Any]:
    rows = Watch.objects.filter(foothold=foothold, level=Watch.Level.EVERYTHING)
    return rows.values_list("contributor", flat=True)


def _tell(
    event: str, actor: Contributor, foothold: Foothold, to: Mapping[int, str], *, sparing: bool = True, **about: Any
) -> None:
    """One row for each who may know, `sparing` whose doing it was; by the database nobody is told an event twice."""
    muted = Watch.objects.filter(foothold=foothold, level=Watch.Level.MUTE).values("contributor")
    may = readers_of(foothold).filter(pk__in=to.keys() - ({actor.pk} if sparing else set())).exclude(pk__in=muted)
    if "evidence" in about:
        may = may.filter(pk__in=readers_of(about["evidence"]).values("pk"))
    people = [person for person in may.select_related("login").order_by("pk") if _is_told(person, foothold, to)]
    Notification.objects.bulk_create(
        [
            Notification(recipient=person, event=event, reason=to[person.pk], actor=actor, foothold=foothold, **about)
            for person in people
        ],
        ignore_conflicts=True,
    )


def _is_told(person: Contributor, foothold: Foothold, to: Mapping[int, str]) -> bool:
    if to[person.pk] not in OF_VERDICTS or not foothold.team.blind_review:
        return True
    return not Foothold.objects.filter(standing.hidden_from(person), pk=foothold.pk).exists()


# --- reading ----------------------------------------------------------------------------------------------------------
def shown_to(person: Contributor) -> QuerySet[Notification]:
    """What somebody was told and may know today; judged anew, on the page as in a mail."""
    spoken = Q(comment=None) | Q(comment__removed_at=None, comment__moderation=Comment.Moderation.VISIBLE)
    evident = Q(evidence=None) | readable_footholds(person, "evidence__")
    kept_back = Q(reason__in=OF_VERDICTS, foothold__in=Foothold.objects.filter(standing.hidden_from(person)))
    rows = Notification.objects.filter(readable_footholds(person, "foothold__"), recipient=person)
    return rows.filter(spoken).filter(evident).exclude(kept_back)


def unread(person: Contributor) -> int:
    """How many there are that somebody has not read."""
    told = Notification.objects.filter(recipient=person, read_at=None)
    # Whether they may still be shown is dear to find out, and on most pages there is none.
    return shown_to(person).filter(read_at=None).count() if told.exists() else 0


def said(row: Notification) -> str:
    """It in a line."""
    done = DECIDED.get(row.event.partition(":")[0], row.get_reason_display())
    return f"{row.actor.handle} {done}: {row.foothold.title}"


def place(row: Notification) -> str:
    """Where it is read."""
    return f"/f/{row.foothold.accession}" + (f"#comment-{row.comment.number}" if row.comment else "")


def read(*, actor: Contributor, ids: Iterable[int] = (), up_to: int | None = None) -> int:
    """Take some of one's own as read, or all up to one; how many that changed."""
    require(actor, "notification.read", None)
    chosen = Q(pk__in=ids) if up_to is None else Q(pk__lte=up_to)
    return Notification.objects.filter(chosen, recipient=actor, read_at=None).update(read_at=timezone.now())


@transaction.atomic
def choose_digest(*, actor: Contributor, digest: DigestChoice) -> None:
    """Say how often one hears by mail of what one has not read."""
    require(actor, "notification.choose", None)
    User.objects.filter(contributor=actor).update(digest=digest)
    changes.record(actor, "notification.choose", f"contributor:{actor.pk}", digest=digest)
