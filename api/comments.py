"""What people say to each other about a claim."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from api import naming, query, shapes
from api.conditions import version_seen
from api.endpoint import Endpoint
from api.footholds import REASON, ROOT, VERSION
from api.idempotency import idempotent
from api.pagination import page, span, window
from api.schema import Written, operation
from atlas.dossiers import comments as dossiers
from atlas.dossiers.bodies import body
from atlas.models import Comment, Contributor, Foothold
from atlas.permissions import require
from atlas.services import comments, footholds
from atlas.validation import closed

BODY = {"type": "string", "minLength": 1, "maxLength": comments.LONGEST, "description": "Markdown."}
NUMBER = {"type": "integer", "minimum": 1, "maximum": 1_000_000}
QUOTE = {"type": "string", "maxLength": comments.LONGEST_QUOTE, "description": "A passage of that version, as it is."}


class WantedComment(Written):
    """A comment that is written."""

    judged_by = closed(
        "A comment. Whom it names with @ hears of it, if they may read it; nothing says who may.",
        body=BODY,
        optional={
            "version": {**VERSION, "description": "The version that I read; the newest unless I say."},
            "quote": QUOTE,
            "reply_to": {**NUMBER, "description": "The comment that it answers."},
        },
    )


class EditedComment(Written):
    """What a comment is to say."""

    judged_by = closed("What it says from now on; what it said is kept.", body=BODY)


class ModeratedComment(Written):
    """What becomes of a comment."""

    judged_by = closed(
        "Whether others see it, and why.",
        to={"type": "string", "enum": Comment.Moderation.values},
        reason=REASON,
    )


class Comments(Endpoint):
    """What is said about a foothold."""

    parameters = query.PAGING

    @operation("list_comments", shapes.ThreadPage, 404, 410)
    def get(self, request: Request, accession: str) -> Response:
        """List the threads, oldest first, each whole."""
        row = footholds.find(accession, actor=self.actor)
        begun, after = window(dossiers.threads_of(row), by="number", asked=self.asked, request=request)
        return page(request, dossiers.listed(row, begun, actor=self.actor), after=after)

    @operation("write_comment", shapes.Comment, 404, 410, codes=(201,), given=WantedComment, writes=True)
    @idempotent
    def post(self, request: Request, accession: str) -> Response:
        """Say something about a version, or answer what somebody said."""
        person, row = self.person, footholds.find(accession, actor=self.actor)
        require(person, "comment.write", row)
        given = self.given(WantedComment.judged_by)
        answered = naming.comment(given.pop("reply_to"), row) if "reply_to" in given else None
        made = comments.write(actor=person, foothold=row, reply_to=answered, **given)
        place = {"Location": f"{ROOT}/{row.accession}/comments/{made.number}"}
        return Response(body(dossiers.comment(row, made, actor=person)), status=201, headers=place)


class OneComment(Endpoint):
    """One comment."""

    @operation("read_comment", shapes.Comment, 404, 410)
    def get(self, request: Request, accession: str, number: str) -> Response:
        """What it says, and whether its thread is resolved."""
        row, one = _found(accession, number, actor=self.actor)
        return Response(body(dossiers.comment(row, one, actor=self.actor)))

    @operation("edit_comment", shapes.Comment, 404, 409, 410, 412, 428, given=EditedComment, writes=True)
    def patch(self, request: Request, accession: str, number: str) -> Response:
        """Say it otherwise. If-Match names the version I saw."""
        person, (row, one) = self.person, _found(accession, number, actor=self.actor)
        require(person, "comment.edit", one)
        seen, given = version_seen(request, current=one.version_tag), self.given(EditedComment.judged_by)
        comments.edit(actor=person, comment=one, body=given["body"], based_on=seen)
        return Response(body(dossiers.comment(row, one, actor=person)))

    @operation("remove_comment", None, 404, 410, codes=(204,), writes=True)
    def delete(self, request: Request, accession: str, number: str) -> Response:
        """Take back what I said; its place in the thread stays."""
        person, (_, one) = self.person, _found(accession, number, actor=self.actor)
        require(person, "comment.remove", one)
        self.given()
        comments.remove(actor=person, comment=one)
        return Response(status=204)


class PutBack(Endpoint):
    """A comment that was taken back."""

    @operation("put_back_comment", shapes.Comment, 404, 410, writes=True)
    def post(self, request: Request, accession: str, number: str) -> Response:
        """Let stand again what I took back."""
        person, (row, one) = self.person, _found(accession, number, actor=self.actor)
        require(person, "comment.remove", one)
        self.given()
        comments.put_back(actor=person, comment=one)
        one.refresh_from_db(fields=["removed_at"])
        return Response(body(dossiers.comment(row, one, actor=person)))


class CommentVersions(Endpoint):
    """The versions of a comment."""

    parameters = query.PAGING

    @operation("list_comment_versions", shapes.CommentVersionPage, 404, 410)
    def get(self, request: Request, accession: str, number: str) -> Response:
        """List what it said, oldest first."""
        _, one = _found(accession, number, actor=self.actor)
        every = dossiers.versions_of(one, actor=self.actor)
        start, stop, after = span(len(every), asked=self.asked, request=request)
        return page(request, every[start:stop], after=after)


class ResolveThread(Endpoint):
    """The end of a thread."""

    @operation("resolve_thread", shapes.Comment, 404, 410, writes=True)
    def post(self, request: Request, accession: str, number: str) -> Response:
        """Say that the thread of this comment has come to its end."""
        return self.settled(comments.resolve, accession, number)

    def settled(self, act: Any, accession: str, number: str) -> Response:
        """How the comment stands once this was done to its thread."""
        person, (row, one) = self.person, _found(accession, number, actor=self.actor)
        require(person, "comment.resolve", comments.thread_of(one))
        self.given()
        act(actor=person, comment=one)
        _, now = _found(row.accession, number, actor=person)
        return Response(body(dossiers.comment(row, now, actor=person)))


class ReopenThread(ResolveThread):
    """A thread that goes on."""

    @operation("reopen_thread", shapes.Comment, 404, 410, writes=True)
    def post(self, request: Request, accession: str, number: str) -> Response:
        """Say that the thread of this comment has not come to its end."""
        return self.settled(comments.reopen, accession, number)


class ModerateComment(Endpoint):
    """A moderator's decision about a comment."""

    @operation("moderate_comment", shapes.Comment, 404, 410, given=ModeratedComment, writes=True)
    def post(self, request: Request, accession: str, number: str) -> Response:
        """Hide what does not belong here, or show it again."""
        person, (row, one) = self.person, _found(accession, number, actor=self.actor)
        require(person, "comment.moderate", one)
        comments.moderate(actor=person, comment=one, **self.given(ModeratedComment.judged_by))
        return Response(body(dossiers.comment(row, one, actor=person)))


def _found(accession: str, number: str, *, actor: Contributor | None) -> tuple[Foothold, Comment]:
    row = footholds.find(accession, actor=actor)
    return row, comments.find(row, number)
