"""Claims by the thousand: a file is staged, judged, committed, undone and redone, in chunks from which it goes on."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import IO, Any

from django.db import transaction
from django.db.models import Count, F, Sum

from atlas import claim_files, texts
from atlas.belonging import importing, memberships_of
from atlas.errors import NoSuchImport, TooMuchStaged, WrongStage
from atlas.models import Checkpoint, Contributor, Foothold, Import, ImportRow, Role, Team, Visibility
from atlas.permissions import readable_imports, require
from atlas.services import changes, footholds, reversals, rows

State = Import.State
CHUNK = 50  # rows in one transaction
AT_ONCE = 500  # rows that are written by one statement when a file is staged
SECONDS = 10.0  # that one call goes on for
STAGED = (State.JUDGING, State.STAGED)  # nothing is written yet, and all of it may be discarded
MOST_STAGED, MOST_ROWS = 20, 200_000  # imports and rows that one person may have sent and not committed
Act = Callable[[Contributor, Import, ImportRow], None]


@dataclass(frozen=True)
class Pass:
    """Going through all rows of an import once: what is done to each, and how the import stands during and after it."""

    verb: str
    permission: str
    done: str
    begins: tuple[State, ...]
    during: State
    after: State
    act: Act
    backwards: bool = False


JUDGE = Pass("import.judge", "import.commit", "judged", (State.STAGED,), State.JUDGING, State.STAGED, rows.judge)
COMMIT = Pass(
    "import.commit", "import.commit", "committed", (State.STAGED,), State.COMMITTING, State.COMMITTED, rows.commit
)
# Backwards: what names another row came after it, and goes before it.
UNDO = Pass(
    "import.undo",
    "import.undo",
    "undone",
    (State.COMMITTED,),
    State.UNDOING,
    State.UNDONE,
    reversals.undo,
    backwards=True,
)
REDO = Pass("import.redo", "import.undo", "redone", (State.UNDONE,), State.REDOING, State.COMMITTED, reversals.redo)
PASSES = (JUDGE, COMMIT, UNDO, REDO)


def find(public_id: str, *, actor: Contributor | None) -> Import:
    """The import of this id, if this person may read it; raises NoSuchImport."""
    try:
        known = uuid.UUID(public_id)
    except ValueError:
        raise NoSuchImport(batch=public_id[:80]) from None
    rows = Import.objects.none() if actor is None else Import.objects.filter(readable_imports(actor), public_id=known)
    found = rows.select_related("team", "checkpoint", "by").first()
    if found is None or str(known) != public_id:
        raise NoSuchImport(batch=public_id[:80])
    return found


def teams_of(actor: Contributor) -> list[Team]:
    """The teams for which somebody may import, their own space among them."""
    rows = memberships_of(actor).filter(role__gte=Role.ANNOTATOR).select_related("team").order_by("team__name")
    return [row.team for row in rows]


@transaction.atomic
def stage(
    *,
    actor: Contributor,
    file: IO[bytes],
    form: str,
    sha256: str,
    team: Team,
    checkpoint: Checkpoint | None,
    source: str,
    visibility: str = Visibility.PUBLIC,
) -> Import:
    """Take in a file row by row, and judge nothing yet but whether it can be read.

    Raises what `claim_files.read` does, and TooMuchStaged for who has sent very much and committed none of it.
    """
    require(actor, "import.stage", team)
    footholds.require_fitting(Foothold.Kind.COLLECTION, checkpoint, team)
    batch = Import.objects.create(
        team=team,
        checkpoint=checkpoint,
        source=texts.line(source, at="/source", longest=200),
        visibility=visibility,
        by=actor,
        form=form,
        sha256=sha256,
    )
    others = _waiting(batch)  # after it was written: whoever sends two at once waits here for the first
    lines, size = claim_files.read(file, form=form), 0
    while some := list(islice(lines, AT_ONCE)):
        size += len(some)
        if others + size > MOST_ROWS:
            raise _too_much(batch)
        ImportRow.objects.bulk_create(
            ImportRow(batch=batch, line=it.number, external_id=rows.kept(it), given=it.given, errors=it.errors)
            for it in some
        )
    Import.objects.filter(pk=batch.pk).update(size=size)
    batch.size = size
    changes.record(actor, "import.stage", str(batch.public_id), rows=size)
    return batch


@transaction.atomic
def discard(*, actor: Contributor, batch: Import) -> None:
    """Throw away what was sent, as long as nothing of it is written; raises WrongStage."""
    require(actor, "import.commit", batch)
    if not _removed(batch):
        _look_again(batch)
        raise WrongStage(state=batch.state, verb="discarded")
    changes.record(actor, "import.discard", str(batch.public_id), rows=batch.size)


@transaction.atomic
def discard_old(batch: Import) -> bool:
    """The same by the instance itself; whether it was there to be thrown away."""
    gone = _removed(batch)
    if gone:
        changes.record(None, "import.discard", str(batch.public_id), rows=batch.size)
    return gone


def judge(*, actor: Contributor, batch: Import, seconds: float = SECONDS) -> Import:
    """Say of each row what a commit would do; again, when what was missing has been made since."""
    return _go_through(JUDGE, actor=actor, batch=batch, seconds=seconds)


def commit(*, actor: Contributor, batch: Import, seconds: float = SECONDS) -> Import:
    """Write the rows that can be written; what does not get done in time is done by the next call."""
    return _go_through(COMMIT, actor=actor, batch=batch, seconds=seconds)


def undo(*, actor: Contributor, batch: Import, seconds: float = SECONDS) -> Import:
    """Take back what it made, but for what others have touched since: that stays, and the row says why."""
    return _go_through(UNDO, actor=actor, batch=batch, seconds=seconds)


def redo(*, actor: Contributor, batch: Import, seconds: float = SECONDS) -> Import:
    """Bring back what an undo took back, but for what others have touched since."""
    return _go_through(REDO, actor=actor, batch=batch, seconds=seconds)


def _removed(batch: Import) -> bool:
    """Delete an import and its rows, unless somebody has begun to commit it; who begins now finds it gone."""
    rows_of = Import.objects.filter(pk=batch.pk, state__in=STAGED)
    if not rows_of.select_for_update().exists():
        return False
    ImportRow.objects.filter(batch=batch)._raw_delete(rows_of.db)
    rows_of._raw_delete(rows_of.db)
    return True


def _waiting(batch: Import) -> int:
    """How many rows its sender has in other imports that are not committed; raises TooMuchStaged."""
    found = _staged_beside(batch)
    if found["imports"] >= MOST_STAGED:
        raise _too_much(batch)
    return int(found["rows"] or 0)


def _staged_beside(batch: Import) -> dict[str, Any]:
    others = Import.objects.filter(by=batch.by, state__in=STAGED).exclude(pk=batch.pk).order_by()
    return others.aggregate(imports=Count("pk"), rows=Sum("size"))


def _too_much(batch: Import) -> TooMuchStaged:
    found = _staged_beside(batch)
    return TooMuchStaged(most=MOST_STAGED, most_rows=MOST_ROWS, imports=found["imports"], rows=found["rows"] or 0)


def _go_through(passed: Pass, *, actor: Contributor, batch: Import, seconds: float) -> Import:
    """Begin the pass or go on with it, a chunk at least and as many as there is time for; raises WrongStage."""
    require(actor, passed.permission, batch)
    _begin(passed, actor, batch)
    until = time.monotonic() + seconds
    while _chunk(passed, importing(actor), batch) and time.monotonic() < until:
        pass
    _look_again(batch)
    return batch


def _look_again(batch: Import) -> None:
    """How it stands now; raises NoSuchImport for what was discarded meanwhile."""
    try:
        batch.refresh_from_db(fields=["state", "done"])
    except Import.DoesNotExist:
        raise NoSuchImport(batch=str(batch.public_id)) from None


@transaction.atomic
def _begin(passed: Pass, actor: Contributor, batch: Import) -> None:
    """One conditional UPDATE: of two who begin one begins, and the other goes along."""
    rows_of = Import.objects.filter(pk=batch.pk)
    if rows_of.filter(state__in=passed.begins).update(state=passed.during, done=0):
        changes.record(actor, passed.verb, str(batch.public_id), rows=batch.size)
    elif not rows_of.filter(state=passed.during).exists():
        _look_again(batch)
        raise WrongStage(state=batch.state, verb=passed.done)


@transaction.atomic
def _chunk(passed: Pass, actor: Contributor, batch: Import) -> bool:
    """Do the next rows, if nobody else is doing them; whether there is more to do.

    That they are done and what was done stand in one transaction: killed before its end, it has not begun.
    """
    row_of = Import.objects.filter(pk=batch.pk, state=passed.during)
    done: Any = row_of.values_list("done", flat=True).first()
    if done is None:
        return False
    last = done + CHUNK >= batch.size
    columns: dict[str, Any] = {"state": passed.after, "done": 0} if last else {"done": F("done") + CHUNK}
    if not row_of.filter(done=done).update(**columns):
        return True
    every = batch.rows.order_by("-line" if passed.backwards else "line")
    for row in every[done : done + CHUNK]:
        passed.act(actor, batch, row)
    return not last
