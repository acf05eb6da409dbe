"""What is said about a claim, from its page: each form does one thing and leads back, or keeps what was typed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from atlas.dossiers import comments as dossiers
from atlas.errors import CommentClosed, EditConflict, Validation
from atlas.models import Comment, Contributor, Foothold, Watch
from atlas.permissions import require
from atlas.services import comments, footholds, watches
from atlas.web import undoing
from atlas.web.negotiation import require_method
from atlas.web.people import signed_in

# What a person can mend where they are.
MENDED_HERE = (Validation, CommentClosed, EditConflict)
LONGEST = 20_000  # characters that are kept of what cannot be accepted
Act = Callable[[Contributor, Comment], Any]


@dataclass(frozen=True)
class Wrong:
    """What was typed into which form and cannot be accepted, and why."""

    form: str  # write, reply, edit or moderate
    number: int | None  # of the comment that it is about
    body: str
    quote: str
    faults: tuple[str, ...]
    faults_of_quote: tuple[str, ...]


def write(request: HttpRequest, accession: str) -> HttpResponse:
    """Say something, or answer."""
    person, row = _spoken_to(request, accession)
    require(person, "comment.write", row)
    typed = _typed(request)
    given = {name: typed[name] for name in ("body", "quote")}
    answered = comments.find(row, typed["reply_to"]) if typed["reply_to"] else None
    try:
        seen = footholds.revision_named(row, typed["version"]).version if typed["version"] else None
        made = comments.write(actor=person, foothold=row, version=seen, reply_to=answered, **given)
    except MENDED_HERE as error:
        place = ("write", None) if answered is None else ("reply", answered.number)
        return _refused(request, row, error, *place)
    _told(request, made, "It is said.", "remove")
    return redirect(f"/f/{row.accession}#comment-{made.number}")


def edit(request: HttpRequest, accession: str, number: str) -> HttpResponse:
    """Say it otherwise."""
    typed, before = _typed(request), dict[str, object]()

    def mend(person: Contributor, one: Comment) -> None:
        said = dossiers.comment(one.foothold, one, actor=person).comment.body
        comments.edit(actor=person, comment=one, body=typed["body"], based_on=typed["version_tag"][:200])
        before.update(body=said, version_tag=one.version_tag)

    return _done(request, accession, number, "edit", mend, says="It is saved.", undo="edit", fields=before)


def remove(request: HttpRequest, accession: str, number: str) -> HttpResponse:
    """Take back what I said."""
    return _done(
        request, accession, number, "remove",
        lambda person, one: comments.remove(actor=person, comment=one),
        says="It is removed.", undo="put-back",
    )  # fmt: skip


def put_back(request: HttpRequest, accession: str, number: str) -> HttpResponse:
    """Let stand again what I took back."""
    return _done(
        request, accession, number, "put-back",
        lambda person, one: comments.put_back(actor=person, comment=one),
        says="It is there again.", undo="remove",
    )  # fmt: skip


def resolve(request: HttpRequest, accession: str, number: str) -> HttpResponse:
    """Say that a thread has come to its end."""
    return _done(
        request, accession, number, "resolve",
        lambda person, one: comments.resolve(actor=person, comment=one),
        says="The thread is resolved.", undo="reopen",
    )  # fmt: skip


def reopen(request: HttpRequest, accession: str, number: str) -> HttpResponse:
    """Say that it has not."""
    return _done(
        request, accession, number, "reopen",
        lambda person, one: comments.reopen(actor=person, comment=one),
        says="The thread is open again.", undo="resolve",
    )  # fmt: skip


def moderate(request: HttpRequest, accession: str, number: str) -> HttpResponse:
    """Hide a comment, or show it again."""
    to = Comment.Moderation.HIDDEN if request.POST.get("to") == "hidden" else Comment.Moderation.VISIBLE
    back = "visible" if to == Comment.Moderation.HIDDEN else "hidden"
    why = _typed(request)["body"]
    return _done(
        request, accession, number, "moderate",
        lambda person, one: comments.moderate(actor=person, comment=one, to=to, reason=why),
        says=f"It is {to} now.", undo="moderate", fields={"to": back, "body": "Undone."},
    )  # fmt: skip


def watch(request: HttpRequest, accession: str) -> HttpResponse:
    """Hear of everything, of nothing, or as if I had said neither."""
    person, row = _spoken_to(request, accession)
    level = request.POST.get("level", "")
    before = watches.find(actor=person, foothold=row)
    if level in Watch.Level.values:
        watches.watch(actor=person, foothold=row, level=level)
    else:
        watches.stop(actor=person, foothold=row)
    said = {"everything": "You hear of whatever happens here.", "mute": "You hear nothing of it."}
    back = {"level": before.level if before else ""}
    undoing.told(request, said.get(level, "You watch it no more."), at=f"/f/{row.accession}/watch", fields=back)
    return redirect(f"/f/{row.accession}#discussion")


def _spoken_to(request: HttpRequest, accession: str) -> tuple[Contributor, Foothold]:
    require_method(request, "POST")
    person = signed_in(request).contributor
    return person, footholds.find(accession, actor=person)


def _done(
    request: HttpRequest, accession: str, number: str, form: str, act: Act,
    *, says: str, undo: str, fields: Mapping[str, object] = MappingProxyType({}),
) -> HttpResponse:  # fmt: skip
    """Do it and go back to the comment; or show what is wrong beside what was typed.

    What is posted to `undo`, with the fields, undoes it.
    """
    person, row = _spoken_to(request, accession)
    one = comments.find(row, number)
    try:
        act(person, one)
    except MENDED_HERE as error:
        return _refused(request, row, error, form, one.number)
    _told(request, one, says, undo, fields)
    return redirect(f"/f/{row.accession}#comment-{one.number}")


def _told(
    request: HttpRequest, one: Comment, says: str, undo: str, fields: Mapping[str, object] = MappingProxyType({})
) -> None:
    undoing.told(request, says, at=f"/f/{one.foothold.accession}/comments/{one.number}/{undo}", fields=fields)


def _typed(request: HttpRequest) -> dict[str, str]:
    names = ("body", "quote", "version", "reply_to", "version_tag")
    return {name: str(request.POST.get(name, ""))[:LONGEST] for name in names}


def _refused(
    request: HttpRequest, row: Foothold, error: Validation | CommentClosed | EditConflict, form: str, number: int | None
) -> HttpResponse:
    """The discussion with the form as it was typed."""
    typed = _typed(request)
    errors = error.errors or [{"pointer": "", "detail": str(error)}]
    of_quote = tuple(it["detail"] for it in errors if it["pointer"] == "/quote")
    others = tuple(it["detail"] for it in errors if it["pointer"] != "/quote")
    wrong = Wrong(form, number, typed["body"], typed["quote"], others, of_quote)
    person = signed_in(request).contributor
    shown = {"discussion": dossiers.discussion(row, actor=person), "title": row.title, "wrong": wrong}
    return render(request, "discussion.html", shown, status=error.status)
