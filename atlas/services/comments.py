"""What people say about a claim: written, mended by who wrote it, taken back, resolved, hidden; every word is kept."""

import re
from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.db.models import F, Max, QuerySet
from django.utils import timezone

from atlas import markdown, texts
from atlas.errors import CommentClosed, EditConflict, NoSuchComment, Validation
from atlas.models import Comment, CommentModeration, CommentVersion, Contributor, Foothold, Revision
from atlas.permissions import require
from atlas.services import changes, footholds, mentions, notifications, watches
from atlas.validation import named_at

LONGEST, LONGEST_QUOTE = 4_000, 500  # characters
MOST_REPLIES = 500  # of a thread, which is read as a whole


def find(foothold: Foothold, number: str) -> Comment:
    """The comment of a foothold that an address names; raises NoSuchComment."""
    named = re.fullmatch(r"[1-9][0-9]{0,8}", number, flags=re.ASCII)
    rows = foothold.comments.select_related("foothold__team", "foothold__checkpoint", "author", "thread")
    found = rows.filter(number=int(number)).first() if named else None
    if found is None:
        raise NoSuchComment(accession=foothold.accession, number=number[:20])
    return found


@transaction.atomic
def write(
    *,
    actor: Contributor,
    foothold: Foothold,
    body: str,
    version: int | None = None,
    quote: str = "",
    reply_to: Comment | None = None,
) -> Comment:
    """Say something about a version, the newest unless told otherwise; as an answer, in the thread of what it answers.

    Raises Validation for what is too long, for a passage that is not in that version, and for a full thread.
    """
    require(actor, "comment.write", foothold)
    said = texts.prose(body, at="/body", longest=LONGEST, shortest=1)
    with named_at("/version"):
        seen = footholds.revision(foothold, version or foothold.head_version)
    passage = _passage(quote, seen)
    kept, named, mentioned = mentions.taken_out(said)
    changes.take_turn(foothold)  # numbers have no gap
    thread = None if reply_to is None else reply_to.thread or reply_to
    if thread is not None and thread.replies.count() >= MOST_REPLIES:
        detail = f"This thread has {MOST_REPLIES} replies; begin another."
        raise Validation(errors=[{"pointer": "/reply_to", "code": "full", "detail": detail}])
    last = foothold.comments.aggregate(last=Max("number"))["last"] or 0
    made = Comment.objects.create(
        foothold=foothold,
        number=last + 1,
        thread=thread,
        reply_to=reply_to,
        version=seen.version,
        quote=passage,
        author=actor,
    )
    CommentVersion.objects.create(comment=made, version=1, body=kept, mentions=named)
    watches.begin(actor, foothold)
    notifications.of_comment(made, mentioned=mentioned)
    changes.record(actor, "comment.write", _name(made))
    return made


@transaction.atomic
def edit(*, actor: Contributor, comment: Comment, body: str, based_on: str) -> CommentVersion:
    """Say it otherwise; what it said before is kept. Raises EditConflict, CommentClosed, Validation."""
    require(actor, "comment.edit", comment)
    said = texts.prose(body, at="/body", longest=LONGEST, shortest=1)
    kept, named, mentioned = mentions.taken_out(said)
    _require_open(comment, "edited")
    if based_on != comment.version_tag or not _standing(comment).filter(head_version=comment.head_version).update(
        head_version=F("head_version") + 1
    ):
        comment.refresh_from_db(fields=["head_version"])
        raise EditConflict(seen=based_on[:80], current=comment.version_tag)
    before = comment.versions.get(version=comment.head_version)
    if (before.body, before.mentions) == (kept, named):
        raise Validation(errors=[{"pointer": "/body", "code": "unchanged", "detail": "This is what it says already."}])
    comment.head_version += 1
    added = CommentVersion.objects.create(comment=comment, version=comment.head_version, body=kept, mentions=named)
    notifications.of_mentions(comment, mentioned=mentioned)
    changes.record(actor, "comment.edit", _name(comment), version=added.version)
    return added


@transaction.atomic
def remove(*, actor: Contributor, comment: Comment) -> None:
    """Take back what one said. Its place in the thread stays, and says so; done twice, it is done once."""
    require(actor, "comment.remove", comment)
    if Comment.objects.filter(pk=comment.pk, removed_at=None).update(removed_at=timezone.now()):
        changes.record(actor, "comment.remove", _name(comment))


@transaction.atomic
def put_back(*, actor: Contributor, comment: Comment) -> None:
    """Let stand again what one has taken back, in its place and in its newest version."""
    require(actor, "comment.remove", comment)
    if Comment.objects.filter(pk=comment.pk, removed_at__isnull=False).update(removed_at=None):
        changes.record(actor, "comment.put-back", _name(comment))


@transaction.atomic
def resolve(*, actor: Contributor, comment: Comment) -> Comment:
    """Say that a thread has come to its end; the thread, by whichever comment of it."""
    thread = thread_of(comment)
    require(actor, "comment.resolve", thread)
    if Comment.objects.filter(pk=thread.pk, resolved_at=None).update(resolved_at=timezone.now(), resolved_by=actor):
        changes.record(actor, "comment.resolve", _name(thread))
    return thread


@transaction.atomic
def reopen(*, actor: Contributor, comment: Comment) -> Comment:
    """Say that it has not."""
    thread = thread_of(comment)
    require(actor, "comment.resolve", thread)
    resolved = Comment.objects.filter(pk=thread.pk, resolved_at__isnull=False)
    if resolved.update(resolved_at=None, resolved_by=None):
        changes.record(actor, "comment.reopen", _name(thread))
    return thread


@transaction.atomic
def moderate(*, actor: Contributor, comment: Comment, to: str, reason: str) -> Comment:
    """Hide what does not belong here, or show it again; the decision is kept."""
    require(actor, "comment.moderate", comment)
    why = texts.prose(reason, at="/reason", longest=1_000, shortest=1)
    [other] = set(Comment.Moderation.values) - {to}
    changed = Comment.objects.filter(pk=comment.pk, moderation=other).update(moderation=to)
    was = other if changed else to
    CommentModeration.objects.create(comment=comment, was=was, now=to, reason=why, moderator=actor)
    comment.moderation = to
    changes.record(actor, "comment.moderate", _name(comment), to=to)
    return comment


def thread_of(comment: Comment) -> Comment:
    """The comment that began its thread."""
    if comment.thread is None:
        return comment
    comment.thread.foothold = comment.foothold
    return comment.thread


def _standing(comment: Comment) -> QuerySet[Comment]:
    """The comment, if it has been neither removed nor hidden."""
    return Comment.objects.filter(pk=comment.pk, removed_at=None, moderation=Comment.Moderation.VISIBLE)


def _require_open(comment: Comment, verb: str) -> None:
    if not _standing(comment).exists():
        raise CommentClosed(accession=comment.foothold.accession, number=comment.number, verb=verb)


def _passage(quote: str, seen: Revision) -> str:
    """The passage as it is kept, in one line; raises Validation where that version does not say so."""
    written = " ".join(texts.prose(quote, at="/quote", longest=LONGEST_QUOTE).split())
    passage = texts.line(written, at="/quote", longest=LONGEST_QUOTE, shortest=0)
    if passage and not any(passage in words for words in _words(seen.content)):
        detail = f"Is no passage of version {seen.version}."
        raise Validation(errors=[{"pointer": "/quote", "code": "not-in-version", "detail": detail}])
    return passage


def _words(value: Any) -> Iterator[str]:
    """Every text in a content, as its source and as it is read."""
    if isinstance(value, str):
        yield " ".join(value.split())
        yield markdown.plain(value)
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _words(inner)


def _name(comment: Comment) -> str:
    return f"{comment.foothold.accession}.c{comment.number}"
