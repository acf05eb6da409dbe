"""Discussions as they are read: threads of comments, with what was taken back or hidden left out and said so."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import F, Q, QuerySet

from atlas.dossiers.bodies import OnThePage, Spread
from atlas.models import Comment, CommentVersion, Contributor, Foothold
from atlas.permissions import is_moderator, permits, settles_discussions
from atlas.services import mentions, watches

PAGE = 50  # threads on a foothold's page
SHOWN, REMOVED, HIDDEN = "shown", "removed", "hidden"


@dataclass(frozen=True, slots=True)
class CommentFacts:
    """A comment in its newest version. What was removed or hidden has no words, except for who may still read them."""

    number: int
    url: str
    thread: int  # the number of the comment with which it began
    reply_to: int | None
    version: int  # of the foothold, as it was read
    outdated: bool  # the foothold has a newer one
    quote: str
    author: str
    body: str
    state: str  # shown, removed or hidden
    edits: int
    version_tag: str
    at: datetime
    may_edit: OnThePage[bool]
    may_put_back: OnThePage[bool]
    may_moderate: OnThePage[bool]


@dataclass(frozen=True, slots=True)
class ThreadFacts:
    """A comment and everything that was said on it, in order."""

    number: int
    resolved: bool
    resolved_by: str | None
    resolved_at: datetime | None
    comments: tuple[CommentFacts, ...]
    may_settle: OnThePage[bool]


@dataclass(frozen=True, slots=True)
class CommentDossier:
    """One comment, and how its thread stands."""

    comment: Spread[CommentFacts]
    resolved: bool


@dataclass(frozen=True, slots=True)
class CommentVersionFacts:
    """What a comment said."""

    version: int
    body: str
    at: datetime


@dataclass(frozen=True, slots=True)
class DiscussionDossier:
    """Everything that is said about a foothold, and what its reader may do there."""

    accession: str
    url: str
    version: int
    threads: tuple[ThreadFacts, ...]
    earlier: int | None  # the number before which there are more threads
    may_comment: bool
    may_watch: bool
    watching: str  # everything, mute, or nothing said


def threads_of(row: Foothold) -> QuerySet[Comment]:
    """The comments with which threads begin, to be ordered by number and shown by `listed`."""
    return row.comments.filter(thread=None).select_related("resolved_by")


def listed(row: Foothold, begun: Sequence[Comment], *, actor: Contributor | None) -> list[ThreadFacts]:
    """The threads that these comments began, in a fixed number of queries."""
    if not begun:
        return []
    ids = [one.pk for one in begun]
    found = _facts(row, row.comments.filter(Q(pk__in=ids) | Q(thread__in=ids)), actor=actor)
    settles = actor is not None and settles_discussions(actor, row)
    return [
        ThreadFacts(
            number=one.number,
            resolved=one.resolved_at is not None,
            resolved_by=one.resolved_by.handle if one.resolved_by else None,
            resolved_at=one.resolved_at,
            comments=tuple(it for it in found if it.thread == one.number),
            may_settle=settles or (actor is not None and one.author_id == actor.pk),
        )
        for one in begun
    ]


def comment(row: Foothold, one: Comment, *, actor: Contributor | None) -> CommentDossier:
    """One comment."""
    [found] = _facts(row, row.comments.filter(pk=one.pk), actor=actor)
    return CommentDossier(found, (one.thread or one).resolved_at is not None)


def versions_of(one: Comment, *, actor: Contributor | None) -> list[CommentVersionFacts]:
    """What a comment said from edit to edit, oldest first; without words where it has none for this reader."""
    versions = list(one.versions.all())
    handles = mentions.handles_in(versions)
    told = _told(one, actor, moderates=is_moderator(actor))
    return [CommentVersionFacts(it.version, mentions.put_back(it, handles) if told else "", it.at) for it in versions]


def discussion(row: Foothold, *, actor: Contributor | None, before: int | None = None) -> DiscussionDossier:
    """The newest threads, or those before a number, in the order in which they were begun."""
    rows = threads_of(row) if before is None else threads_of(row).filter(number__lt=before)
    newest = list(rows.order_by("-number")[: PAGE + 1])
    begun = newest[:PAGE][::-1]
    watch = watches.find(actor=actor, foothold=row) if actor else None
    return DiscussionDossier(
        accession=row.accession,
        url=f"/f/{row.accession}",
        version=row.head_version,
        threads=tuple(listed(row, begun, actor=actor)),
        earlier=begun[0].number if len(newest) > PAGE else None,
        may_comment=permits(actor, "comment.write", row),
        may_watch=permits(actor, "watch.set", row),
        watching=watch.level if watch else "",
    )


def _facts(row: Foothold, rows: QuerySet[Comment], *, actor: Contributor | None) -> list[CommentFacts]:
    """The facts of comments on a foothold by number, in three queries."""
    newest = CommentVersion.objects.filter(comment__in=rows, version=F("comment__head_version"))
    said = {it.comment_id: it for it in newest}
    handles = mentions.handles_in(said.values())
    moderates = is_moderator(actor)
    return [
        _shown(_fact(row, one, mentions.put_back(said[one.pk], handles)), one, actor, moderates=moderates)
        for one in rows.select_related("author", "thread", "reply_to").order_by("number")
    ]


def _fact(row: Foothold, one: Comment, body: str) -> CommentFacts:
    return CommentFacts(
        number=one.number,
        url=f"/f/{row.accession}#comment-{one.number}",
        thread=one.thread.number if one.thread else one.number,
        reply_to=one.reply_to.number if one.reply_to else None,
        version=one.version,
        outdated=one.version < row.head_version,
        quote=one.quote,
        author=one.author.handle,
        body=body,
        state=REMOVED if one.removed_at else HIDDEN if one.moderation == Comment.Moderation.HIDDEN else SHOWN,
        edits=one.head_version - 1,
        version_tag=f"{row.accession}.c{one.number}.{one.head_version}",
        at=one.created_at,
        may_edit=False,
        may_put_back=False,
        may_moderate=False,
    )


def _shown(facts: CommentFacts, one: Comment, actor: Contributor | None, *, moderates: bool) -> CommentFacts:
    """The facts as somebody may know them."""
    if not _told(one, actor, moderates=moderates):
        facts = replace(facts, body="", quote="")
    wrote = actor is not None and one.author_id == actor.pk
    may_edit, may_put_back = (wrote and facts.state == state for state in (SHOWN, REMOVED))
    return replace(facts, may_edit=may_edit, may_put_back=may_put_back, may_moderate=moderates)


def _told(one: Comment, actor: Contributor | None, *, moderates: bool) -> bool:
    """Moderators read everything, its author what was hidden; what was removed nobody else reads."""
    hidden = one.moderation == Comment.Moderation.HIDDEN
    wrote = actor is not None and one.author_id == actor.pk
    return moderates or (one.removed_at is None and (wrote or not hidden))
