"""What a version of a claim predicted, and what became of that."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max

from atlas.models import Contributor, Foothold, ProbeKind, Revision
from atlas.permissions import permits
from atlas.services import trials
from atlas.services.trials import Tested


@dataclass(frozen=True, slots=True)
class PredictionFacts:
    """What became of a prediction: held, falsified, failed (the reason says why), waiting or not-yet-run."""

    subject: str  # the unit that was asked about
    outcome: str
    found: float | None  # the number; None of one that decides by not being listed, as the reason says
    foretold: bool | None  # whether it stood in a version before what decides was known
    job: str | None
    probe_version: int | None
    reason: str


def predictions_of(row: Foothold, version: Revision) -> tuple[PredictionFacts, ...]:
    """What became of each prediction of a version, in order: at most two queries, none where nothing is predicted."""
    found = trials.of(row, version.content)
    since = _first_made(row, version) if any(one.decided for one in found) else {}
    return tuple(
        _facts(trials.subject_of(version.content, it), one, since.get(_said(it)))
        for it, one in zip(version.content.get("predictions", ()), found, strict=True)
    )


def may_test(row: Foothold, head: Revision, found: Sequence[PredictionFacts], actor: Contributor | None) -> bool:
    """Whether somebody may put a claim to the test as it stands, and there is something that nobody has asked yet."""
    open_ = row.standing in (Foothold.Standing.DRAFT, Foothold.Standing.OPEN)
    return bool(found) and open_ and permits(actor, "job.request", row.checkpoint) and _is_unasked(head, found)


def _is_unasked(head: Revision, found: Sequence[PredictionFacts]) -> bool:
    """Whether a prediction was not run, or only by an older version of its probe."""
    probes = [it["probe"] for it in head.content["predictions"]]
    kinds = ProbeKind.objects.filter(name__in=probes).order_by().values_list("name")
    newest: dict[str, int] = dict(kinds.annotate(Max("version")))
    return any((one.probe_version or 0) < newest.get(probe, 0) for probe, one in zip(probes, found, strict=True))


def _facts(subject: str, one: Tested, since: datetime | None) -> PredictionFacts:
    known_at = one.job.finished_at if one.job and one.decided else None
    return PredictionFacts(
        subject=subject,
        outcome=one.outcome,
        found=one.found,
        foretold=since < known_at if since and known_at else None,
        job=one.job.fingerprint if one.job else None,
        probe_version=one.job.probe.version if one.job else None,
        reason=one.why,
    )


def _first_made(row: Foothold, version: Revision) -> Mapping[Any, datetime]:
    """When each prediction of a version was first made, in these bounds."""
    since: dict[Any, datetime] = {}
    earlier: Iterable[Revision] = row.revisions.filter(version__lte=version.version).order_by("version")
    for revision in earlier:
        for it in revision.content.get("predictions", ()):
            since.setdefault(_said(it), revision.at)
    return since


def _said(prediction: Mapping[str, Any]) -> str:
    """A prediction without its words."""
    return repr(sorted((name, value) for name, value in prediction.items() if name != "says"))
