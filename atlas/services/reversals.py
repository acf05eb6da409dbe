"""What an import did to one foothold, taken back and brought back; what others have touched since stays as it is."""

from collections.abc import Callable

from django.db import transaction
from django.db.models import Q

from atlas.errors import AtlasError
from atlas.models import Contributor, Foothold, Import, ImportRow, Reference, Support
from atlas.services import changes, footholds, standing

Outcome, Reversal, Standing = ImportRow.Outcome, ImportRow.Reversal, Foothold.Standing
ENDED = (Standing.WITHDRAWN, Standing.RETRACTED, Standing.MERGED)
Act = Callable[[Contributor, Import, ImportRow, Foothold], str]


class _Touched(Exception):
    """Somebody has done something about this foothold since."""


def undo(actor: Contributor, batch: Import, row: ImportRow) -> None:
    """Withdraw what the row made; bring back what stood before what it revised, as a new version."""
    if row.outcome in (Outcome.CREATED, Outcome.REVISED):
        _carry_out(actor, batch, row, _take_back)


def redo(actor: Contributor, batch: Import, row: ImportRow) -> None:
    """Let what the undo withdrew stand again; bring back what the row had revised, as a new version."""
    if row.reversal in (Reversal.WITHDRAWN, Reversal.RESTORED):
        _carry_out(actor, batch, row, _bring_back)


def _carry_out(actor: Contributor, batch: Import, row: ImportRow, act: Act) -> None:
    assert row.foothold_id is not None
    found = Foothold.objects.get(pk=row.foothold_id)
    changes.take_turn(found)
    found.refresh_from_db()
    try:
        with transaction.atomic():
            if not _is_as_left(row, found):
                raise _Touched(f"It was revised since: it is at version {found.head_version}.")
            row.reversal, row.errors = act(actor, batch, row, found), []
            row.left_at = found.head_version
    except _Touched as why:
        row.reversal, row.errors = Reversal.KEPT, [{"pointer": "", "code": "touched", "detail": str(why)}]
    except AtlasError as error:
        faults = error.errors or [{"pointer": "", "code": error.slug(), "detail": str(error)}]
        row.reversal, row.errors = Reversal.KEPT, faults
    row.save(update_fields=["reversal", "errors", "left_at"])


def _take_back(actor: Contributor, batch: Import, row: ImportRow, found: Foothold) -> str:
    _require_untouched(row, found)
    if row.outcome == Outcome.REVISED:
        _restore(actor, found, int(row.version or 0) - 1, f"Undoes the import {batch.public_id}.")
        return Reversal.RESTORED
    _stand(actor, batch, found, Standing.WITHDRAWN, f"The import that made it, {batch.public_id}, was undone.")
    return Reversal.WITHDRAWN


def _bring_back(actor: Contributor, batch: Import, row: ImportRow, found: Foothold) -> str:
    if row.reversal == Reversal.RESTORED:
        _require_standing(found, Standing.OPEN)
        _restore(actor, found, int(row.version or 0), f"Redoes the import {batch.public_id}.")
    else:
        _require_standing(found, Standing.WITHDRAWN)
        _stand(actor, batch, found, Standing.OPEN, "")
    return Reversal.REDONE


def _restore(actor: Contributor, found: Foothold, version: int, summary: str) -> None:
    footholds.restore(actor=actor, foothold=found, version=version, based_on=found.head_version, summary=summary)


def _stand(actor: Contributor, batch: Import, found: Foothold, to: str, reason: str) -> None:
    """Not `footholds.withdraw`, which is its author's: who may undo an import decides over all that it made."""
    Foothold.objects.filter(pk=found.pk).update(standing=to, standing_reason=reason)
    found.refresh_from_db()
    standing.recompute(found)
    changes.record(actor, f"foothold.{to}", found.accession, batch=str(batch.public_id))


# --- whether others have touched it -----------------------------------------------------------------------------------
def _is_as_left(row: ImportRow, found: Foothold) -> bool:
    """Whether it says what the row left; also once a later import has revised it, and has been undone."""
    if found.head_version == row.left_at:
        return True
    by_import = found.import_rows.filter(left_at=found.head_version).exists()
    said = found.revisions.filter(version__in=[int(row.left_at or 0), found.head_version])
    return by_import and said.values("content_sha256").distinct().count() == 1


def _require_untouched(row: ImportRow, found: Foothold) -> None:
    """Raise _Touched where somebody has decided on it, has reviewed this version, or has built on it."""
    _require_standing(found, Standing.OPEN)
    made = row.outcome == Outcome.CREATED
    since = Q() if made else Q(version__gte=row.left_at)
    if found.reviews.filter(since).exists():
        raise _Touched("It was reviewed since.")
    if found.resolutions.filter(since).exists():
        raise _Touched("A curator has decided on it since.")
    said = Support.objects.filter(claim=found, withdrawn_at=None).exclude(evidence__standing__in=ENDED)
    if said.filter(Q() if made else Q(claim_version__gte=row.left_at)).exists():
        raise _Touched("Evidence was given for it or against it since.")
    if made and Reference.objects.filter(target=found).exclude(foothold__standing__in=ENDED).exists():
        raise _Touched("Another foothold names it.")
    if made and found.rank != Foothold.Rank.NORMAL:
        raise _Touched(f"A curator has made it {found.rank} since.")
    if made and found.replaces.exists():
        raise _Touched("Another foothold was merged into it since.")


def _require_standing(found: Foothold, wanted: str) -> None:
    if found.standing != wanted:
        raise _Touched(f"It is {found.standing} now.")
