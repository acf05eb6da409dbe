"""One row of an import: judged by the very rules of what people write by hand, and written by the same verbs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.db import IntegrityError, transaction

from atlas import accessions, claim_files, texts, validation
from atlas.contents import CONTENTS, Mention, replaced
from atlas.contents.pieces import ACCESSION
from atlas.errors import AtlasError, EditConflict, Validation
from atlas.models import Checkpoint, Contributor, Foothold, Import, ImportRow
from atlas.permissions import readable_footholds
from atlas.services import addresses, evidence, footholds

Outcome = ImportRow.Outcome
WRITTEN = (Outcome.CREATED, Outcome.REVISED)
FOREIGN_ID = {**ACCESSION, "maxLength": 200}


@dataclass
class Verdict:
    """What a commit of a row does, to which foothold, with which content; and why, where it leaves it alone."""

    outcome: str
    foothold: Foothold | None = None
    checkpoint: Checkpoint | None = None
    content: Any = None
    claims: list[Foothold] = field(default_factory=list)  # of which evidence speaks, in the row's order
    errors: list[dict[str, str]] = field(default_factory=list)


def kept(line: claim_files.Line) -> str:
    """The external id of a line as it may be kept; empty where it can not, for which the row is refused."""
    found = line.external_id
    return "" if texts.faults_of_line(found, at="", longest=200) else found


def judge(actor: Contributor, batch: Import, row: ImportRow) -> None:
    """Write down what a commit would do."""
    found = _verdict(actor, batch, row, waiting=True)
    row.judged, row.errors, row.foothold = found.outcome, found.errors, found.foothold
    row.save(update_fields=["judged", "errors", "foothold"])


def commit(actor: Contributor, batch: Import, row: ImportRow) -> None:
    """Write what the row says, and write down what was done."""
    found = _verdict(actor, batch, row)
    try:
        with transaction.atomic():
            found = _write(actor, batch, row, found)
    except (IntegrityError, EditConflict):  # another was faster: what they wrote is there now
        found = _verdict(actor, batch, row)
        if found.outcome in WRITTEN:
            found = _conflict(None, "Somebody else wrote this at the same time.")
    except AtlasError as error:
        found = Verdict(Outcome.REFUSED, errors=_faults(error))
    row.outcome, row.errors, row.foothold = found.outcome, found.errors, found.foothold
    if found.outcome in WRITTEN and found.foothold is not None:
        row.version = row.left_at = found.foothold.head_version
    row.save(update_fields=["outcome", "errors", "foothold", "version", "left_at"])


def _write(actor: Contributor, batch: Import, row: ImportRow, found: Verdict) -> Verdict:
    summary = row.given.get("summary", "") if found.outcome in WRITTEN else ""
    if found.outcome == Outcome.CREATED:
        found.foothold = footholds.create(
            actor=actor,
            kind=row.given["kind"],
            checkpoint=found.checkpoint,
            team=batch.team,
            content=found.content,
            summary=summary,
            visibility=batch.visibility,
            source=batch.source,
            external_id=row.external_id,
        )
    elif found.outcome == Outcome.REVISED and found.foothold is not None:
        based_on = found.foothold.head_version
        said = {"content": found.content, "based_on": based_on, "summary": summary}
        footholds.revise(actor=actor, foothold=found.foothold, **said)
        found.foothold.refresh_from_db()
    else:
        return found
    for said, claim in zip(row.given.get("speaks_of", ()), found.claims, strict=True):
        ways = {name: said[name] for name in ("role", "facet", "note") if name in said}
        evidence.attach(actor=actor, evidence=found.foothold, claim=claim, **ways)
    return found


# --- judging ----------------------------------------------------------------------------------------------------------
def _verdict(actor: Contributor, batch: Import, row: ImportRow, *, waiting: bool = False) -> Verdict:
    """What a commit does. `waiting` takes what a row before this one will make for made."""
    if row.given is None and row.errors:
        return Verdict(Outcome.REFUSED, errors=row.errors)
    try:
        _require_readable(row)
        return _judged(actor, batch, row, waiting=waiting)
    except AtlasError as error:
        return Verdict(Outcome.REFUSED, errors=_faults(error))


def _require_readable(row: ImportRow) -> None:
    """Everything that can be wrong with a row before anything in it is looked up."""
    errors = validation.faults(row.given, claim_files.ROW)
    if not errors:
        errors = validation.faults(row.given["content"], _of_strangers(row.given["kind"]), at="/content")
        errors += texts.faults_of_line(row.given["external_id"], at="/external_id", longest=200)
        errors += texts.faults_of_line(row.given.get("summary", ""), at="/summary", longest=300, shortest=0)
        for place, said in enumerate(row.given.get("speaks_of", ())):
            at = f"/speaks_of/{place}/note"
            errors += texts.faults_of_line(said.get("note", ""), at=at, longest=500, shortest=0)
    if not errors and row.given["kind"] != Foothold.Kind.EVIDENCE and row.given.get("speaks_of"):
        errors = [{"pointer": "/speaks_of", "code": "not-fitting", "detail": "Only evidence speaks of claims."}]
    if not errors:
        before = row.batch.rows.filter(external_id=row.external_id, line__lt=row.line).order_by("line").first()
        if before is not None:
            detail = f"Line {before.line} has this external id already."
            errors = [{"pointer": "/external_id", "code": "repeated", "detail": detail}]
    if errors:
        raise Validation(errors=errors[: validation.MOST_ERRORS])


def _judged(actor: Contributor, batch: Import, row: ImportRow, *, waiting: bool) -> Verdict:
    given, known = row.given, _known(batch, row)
    if known is not None and not Foothold.objects.filter(readable_footholds(actor), pk=known.pk).exists():
        return _conflict(None, "What was imported under this id cannot be changed now.")
    checkpoint = _checkpoint(actor, batch, given)
    names = _Names(actor, batch, row, waiting=waiting)
    content, claims = names.content(), names.claims(checkpoint)
    found = Verdict(Outcome.CREATED, known, checkpoint, content, claims)
    if known is not None:
        return _of_known(actor, batch, given, found, known, waits=names.waits)
    if waiting and not names.waits:  # a commit need not ask: what it does next judges first
        kind = given["kind"]
        footholds.judged(actor=actor, kind=kind, checkpoint=checkpoint, team=batch.team, content=content)
    return found


def _known(batch: Import, row: ImportRow) -> Foothold | None:
    """What was imported under this id before; or what was made here, and exported under its accession."""
    every = Foothold.objects.select_related("checkpoint", "team", "created_by")
    imported = every.filter(team=batch.team, source=batch.source, external_id=row.external_id).first()
    if imported or not accessions.is_valid(row.external_id):
        return imported
    return every.filter(team=batch.team, accession=row.external_id).first()


def _of_known(
    actor: Contributor, batch: Import, given: Mapping[str, Any], found: Verdict, known: Foothold, *, waits: bool
) -> Verdict:
    """A second import changes nothing; a changed row revises what nobody but imports has written."""
    if known.standing not in (Foothold.Standing.DRAFT, Foothold.Standing.OPEN):
        return _conflict(known, f"It is {known.standing}: an import brings nothing back.")
    fixed = {"kind": known.kind == given["kind"], "checkpoint": known.checkpoint == found.checkpoint}
    if wrong := [name for name, same in fixed.items() if not same]:
        fault = {"code": "read-only-field", "detail": f"With another one it is another claim than {known.accession}."}
        raise Validation(errors=[{"pointer": f"/{name}", **fault} for name in wrong])
    head = footholds.revision(known, known.head_version)
    if not waits:
        settled = footholds.judged_anew(actor=actor, foothold=known, content=found.content, base=head)
        if settled.content == head.content:
            found.outcome = Outcome.UNCHANGED
            return found
    if not ImportRow.objects.filter(foothold=known, left_at=known.head_version).exists():
        return _conflict(known, f"{known.accession} says something else, and its newest version is by hand.")
    found.outcome = Outcome.REVISED
    return found


def _conflict(known: Foothold | None, detail: str) -> Verdict:
    return Verdict(Outcome.CONFLICT, known, errors=[{"pointer": "", "code": "conflict", "detail": detail}])


def _checkpoint(actor: Contributor, batch: Import, given: Mapping[str, Any]) -> Checkpoint | None:
    if "checkpoint" not in given:
        return batch.checkpoint
    slug = given["checkpoint"]
    return None if slug is None else addresses.readable_by(actor, slug, pointer="/checkpoint")


class _Names:
    """The footholds that a row names, by their external ids in its source or by their accessions."""

    def __init__(self, actor: Contributor, batch: Import, row: ImportRow, *, waiting: bool) -> None:
        self.actor, self.given, self.waits = actor, row.given, False
        self.mentions = [it for it in _mentions(row.given) if it.what == "foothold"]
        wanted = {it.text for it in self.mentions} | {it["claim"] for it in self.given.get("speaks_of", ())}
        readable = Foothold.objects.filter(readable_footholds(actor))
        ours = readable.filter(team=batch.team, source=batch.source, external_id__in=wanted) if wanted else ()
        self.ours = {it.external_id: it for it in ours}
        before = batch.rows.filter(line__lt=row.line, external_id__in=wanted) if waiting and wanted else ()
        self.coming = {it.external_id: it for it in before if it.judged == Outcome.CREATED} if waiting else {}

    def content(self) -> Any:
        """The content with accessions in place of external ids."""
        content = self.given["content"]
        for mention in self.mentions:
            if mention.text in self.ours:
                content = replaced(content, mention.path, self.ours[mention.text].accession)
            elif mention.text in self.coming:
                self.waits = True
        return content

    def claims(self, checkpoint: Checkpoint | None) -> list[Foothold]:
        """The claims that evidence speaks of; raises Validation for what is none of this checkpoint."""
        found, errors = [], []
        for place, said in enumerate(self.given.get("speaks_of", ())):
            if said["claim"] in self.coming and said["claim"] not in self.ours:
                self.waits = True
                continue
            with validation.named_at(f"/speaks_of/{place}/claim"):
                claim = self.ours.get(said["claim"]) or footholds.find(said["claim"], actor=self.actor)
            found.append(claim)
            if claim.kind not in evidence.CLAIMS or claim.checkpoint != checkpoint:
                detail = f"{claim.accession} is no claim about this checkpoint."
                errors.append({"pointer": f"/speaks_of/{place}/claim", "code": "not-fitting", "detail": detail})
        if errors:
            raise Validation(errors=errors)
        return found


def _mentions(given: Mapping[str, Any]) -> Iterator[Mention]:
    return CONTENTS[given["kind"]].mentions(given["content"])


@cache
def _of_strangers(kind: str) -> dict[str, Any]:
    """The schema of a kind's content, with room for external ids where accessions stand."""
    found: dict[str, Any] = _with_room(CONTENTS[kind].schema)
    return found


def _with_room(schema: Any) -> Any:
    if isinstance(schema, dict):
        known = {name: value for name, value in schema.items() if name != "description"}
        bare = {name: value for name, value in ACCESSION.items() if name != "description"}
        return FOREIGN_ID if known == bare else {name: _with_room(value) for name, value in schema.items()}
    return [_with_room(value) for value in schema] if isinstance(schema, list) else schema


def _faults(error: AtlasError) -> list[dict[str, str]]:
    return error.errors or [{"pointer": "", "code": error.slug(), "detail": str(error)}]
