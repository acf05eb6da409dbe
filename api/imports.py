"""Files of claims over HTTP: sent, judged, committed, undone and redone; each call does what it can in its time."""

from collections.abc import Callable, Mapping
from typing import Any

from django.http import QueryDict
from rest_framework.request import Request
from rest_framework.response import Response

from api import naming, query, shapes
from api.endpoint import Endpoint
from api.idempotency import idempotent
from api.pagination import page, window
from api.parsers import NotYet
from api.schema import Written, operation
from api.uploads import unreadable
from api.waiting import preferred
from atlas import claim_files, uploads, validation
from atlas.dossiers import imports as dossiers
from atlas.dossiers.bodies import body
from atlas.errors import DigestMismatch, Validation
from atlas.models import Contributor, Import, ImportRow, Visibility
from atlas.permissions import require
from atlas.services import imports
from atlas.uploads import Received

ROOT = "/api/v1/imports"
FILE = "file"
OUTCOMES = [word for word in ImportRow.Outcome.values if word]
REVERSALS = [word for word in ImportRow.Reversal.values if word]
WANTED: Mapping[str, Any] = validation.closed(
    "A file of claims, and where they come from. Each part is sent once.",
    source={
        "type": "string",
        "minLength": 1,
        "maxLength": 200,
        "description": "Where the claims come from: within it and a team, an external id names one claim for ever.",
    },
    file={"type": "string", "format": "binary", "description": "JSONL or CSV, at most 20 MiB and 50,000 rows."},
    optional={
        "format": {"type": "string", "enum": list(claim_files.FORMS), "default": "jsonl"},
        "checkpoint": {
            "type": "string",
            "maxLength": 40,
            "description": "What rows are about that name none.",
        },
        "team": {
            "type": "string",
            "maxLength": 40,
            "description": "Whose they are to be; else your own space.",
        },
        "visibility": {"type": "string", "enum": Visibility.values, "default": Visibility.PUBLIC},
        "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "Of the file; another is refused."},
    },
)


class WantedImport(Written):
    """A file of claims."""

    judged_by = WANTED


class Imports(Endpoint):
    """The imports of my teams."""

    parser_classes = [NotYet]
    counted = {"POST": "import"}
    parameters = {**query.PAGING, "team": query.text("Only of this team, by slug.")}
    _given: dict[str, Any] | None = None

    @operation("list_imports", shapes.ImportPage, 401)
    def get(self, request: Request) -> Response:
        """List them, the newest first."""
        rows = dossiers.readable_by(self.person)
        rows = rows.filter(team__slug=self.asked["team"]) if "team" in self.asked else rows
        found, after = window(rows, by="-id", asked=self.asked, request=request)
        return page(request, [dossiers.facts_of(row) for row in found], after=after)

    @operation(
        "stage_import",
        shapes.Import,
        codes=(201,),
        given=WantedImport,
        media_type=uploads.MULTIPART,
        writes=True,
        waits=True,
    )
    def post(self, request: Request) -> Response:
        """Send a file. Nothing of it is written until it is committed: first each row is judged as a commit would."""
        self.received()
        answer = self._staged(request)
        batch = imports.find(answer.data["id"], actor=self.person)
        if batch.state == Import.State.JUDGING:  # after the transaction in which the file was taken in
            imports.judge(actor=self.person, batch=batch, seconds=seconds_of(request))
        answer.data = body(dossiers.batch(answer.data["id"], actor=self.person))
        return answer

    @idempotent
    def _staged(self, request: Request) -> Response:
        batch = imports.stage(actor=self.person, **self.received())
        found = dossiers.batch(str(batch.public_id), actor=self.person)
        return Response(body(found), status=201, headers={"Location": f"{ROOT}/{batch.public_id}"})

    def identity(self) -> Any:
        """The fields, and the file by its bytes."""
        return {name: str(value) for name, value in self.received().items() if name != FILE}

    def received(self) -> dict[str, Any]:
        """What is sent, as `imports.stage` takes it; read once, and only from who may import at all."""
        if self._given is None:
            require(self.person, "import.stage", None)
            sent = self.request._request
            uploads.receive(sent, name=FILE, most=claim_files.LARGEST)
            self._given = received(sent.POST, sent.FILES.get(FILE), actor=self.person)
        return self._given


def received(fields: QueryDict, file: Received | None, *, actor: Contributor) -> dict[str, Any]:
    """The fields and the file as `imports.stage` takes them; raises Validation, DigestMismatch."""
    given = {name: values[-1] for name, values in fields.lists()}
    whole = {**given, FILE: ""} if file is not None and FILE not in given else given
    errors = [*unreadable(fields), *validation.faults(whole, dict(WANTED))]
    if FILE in given:
        errors.append({"pointer": f"/{FILE}", "code": "not-a-file", "detail": "Send it as a file, with a name."})
    if errors or file is None:
        raise Validation(errors=errors[: validation.MOST_ERRORS])
    declared = given.get("sha256", file.sha256)
    if declared != file.sha256:
        raise DigestMismatch(found=file.sha256, declared=declared)
    return {
        FILE: file.file,
        "form": given.get("format", "jsonl"),
        "sha256": file.sha256,
        "team": naming.team(given.get("team"), actor=actor),
        "checkpoint": naming.checkpoint(given.get("checkpoint"), actor=actor),
        "source": given["source"],
        "visibility": given.get("visibility", Visibility.PUBLIC),
    }


class OneImport(Endpoint):
    """One import."""

    counted = {"DELETE": "import"}

    @operation("read_import", shapes.Import, 401, 404)
    def get(self, request: Request, import_id: str) -> Response:
        """How far it has come, and how many rows would be, were, and are again what."""
        return Response(body(dossiers.batch(import_id, actor=self.person)))

    @operation("discard_import", None, 404, 409, codes=(204,), writes=True)
    def delete(self, request: Request, import_id: str) -> Response:
        """Throw it away, as long as nothing of it is written."""
        person, batch = self.person, imports.find(import_id, actor=self.actor)
        require(person, "import.commit", batch)
        self.given()
        imports.discard(actor=person, batch=batch)
        return Response(status=204)


class Rows(Endpoint):
    """The rows of an import."""

    parameters = {
        **query.PAGING,
        "judged": query.one_of("Only those of which a commit would make this.", *OUTCOMES),
        "outcome": query.one_of("Only those of which the commit made this.", *OUTCOMES),
        "reversal": query.one_of("Only those of which an undo or redo made this.", *REVERSALS),
    }

    @operation("list_import_rows", shapes.ImportRowPage, 401, 404)
    def get(self, request: Request, import_id: str) -> Response:
        """List them by line, with what is wrong where, and by which rule."""
        batch = imports.find(import_id, actor=self.person)
        chosen = {name: self.asked[name] for name in ("judged", "outcome", "reversal") if name in self.asked}
        found, after = window(dossiers.rows_of(batch).filter(**chosen), by="line", asked=self.asked, request=request)
        return page(request, dossiers.rows_facts(found, actor=self.actor), after=after)


def step(name: str, does: str, act: Callable[..., Import], permission: str) -> type[Endpoint]:
    """An endpoint that goes through the rows of an import, as far as it comes in time."""

    @operation(f"{name}_import", shapes.Import, 404, 409, writes=True, waits=True)
    def post(self: Endpoint, request: Request, import_id: str) -> Response:
        person, batch = self.person, imports.find(import_id, actor=self.actor)
        require(person, permission, batch)
        self.given()
        act(actor=person, batch=batch, seconds=seconds_of(request))
        return Response(body(dossiers.batch(import_id, actor=person)))

    post.__doc__ = f"{does} While `remaining` is not 0, ask again: it goes on where it stopped, whyever it did."
    members = {"__doc__": does, "post": post, "counted": {"POST": "import"}}
    return type(f"{name.title()}Import", (Endpoint,), members)


def seconds_of(request: Request) -> float:
    """How long a call may go on: as the client prefers, within bounds."""
    asked = preferred(request)
    return imports.SECONDS if asked is None else float(asked)


Judge = step("judge", "Judge the rows again: what they lacked may have been made.", imports.judge, "import.commit")
Commit = step("commit", "Write the rows that can be written, as proposed.", imports.commit, "import.commit")
Undo = step("undo", "Take back what it made, but for what others have touched since.", imports.undo, "import.undo")
Redo = step("redo", "Bring back what an undo took back, but for what others have touched.", imports.redo, "import.undo")
