"""Arranging the figure of a circuit: by who may revise it, on top of what they saw, and without a new version."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from atlas.errors import EditConflict, Validation
from atlas.models import Arrangement, Contributor, Foothold
from atlas.permissions import require
from atlas.services import changes, footholds

FARTHEST = 20_000  # from the origin, in the figure's own units
Places = Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Arranged:
    """The places in which a version is drawn, and what arranging it anew has to name."""

    places: Places
    tag: str


def of(foothold: Foothold, version: int) -> Arranged:
    """Those of a version, or of the newest before it that has any, in one query; none where nobody arranged it."""
    row = Arrangement.objects.filter(foothold=foothold, version__lte=version).order_by("-version").first()
    places = {unit: (float(x), float(y)) for unit, (x, y) in row.places.items()} if row else {}
    number = row.number if row and row.version == version else 0
    return Arranged(places, f"{foothold.accession}.{version}.{number}")


@transaction.atomic
def arrange(*, actor: Contributor, foothold: Foothold, places: Any, seen: str) -> Arranged:
    """Put the newest version's neurons into these places; into none, and it is laid out by itself again.

    Raises Validation for what are no places of its neurons, EditConflict where somebody else arranged or revised it
    since `seen`, IllegalStanding for what has ended.
    """
    require(actor, "foothold.revise", foothold)
    changes.take_turn(foothold)  # or a version made just now would be arranged as the one before it
    foothold.refresh_from_db(fields=["head_version", "standing"])
    footholds.require_open(foothold)
    kept = _judged(foothold, places)
    current = of(foothold, foothold.head_version).tag
    if seen != current or not _written(foothold, kept, number=int(current.rpartition(".")[2]), by=actor):
        raise EditConflict(seen=seen[:40], current=of(foothold, foothold.head_version).tag)
    changes.record(actor, "circuit.arrange", foothold.accession, version=foothold.head_version)
    return of(foothold, foothold.head_version)


def _written(foothold: Foothold, places: dict[str, list[int]], *, number: int, by: Contributor) -> bool:
    """Whether nobody else wrote the next number first: a constraint or one conditional UPDATE decides."""
    version = foothold.head_version
    if number:
        rows = Arrangement.objects.filter(foothold=foothold, version=version, number=number)
        return bool(rows.update(places=places, by=by, number=F("number") + 1, at=timezone.now()))
    try:
        with transaction.atomic():
            Arrangement.objects.create(foothold=foothold, version=version, places=places, by=by)
    except IntegrityError:
        return False
    return True


def _judged(foothold: Foothold, places: Any) -> dict[str, list[int]]:
    """The places in whole units, if each is one of a neuron of the newest version."""
    if foothold.kind != Foothold.Kind.CIRCUIT:
        raise _fault("", "not-a-circuit", f"{foothold.accession} is no circuit.")
    if not isinstance(places, dict):
        raise _fault("", "type", "Places are an object: a pair of numbers for each neuron.")
    content = footholds.revision(foothold, foothold.head_version).content
    nodes = {node["unit"] for node in content["nodes"]}
    if strange := [unit for unit in places if unit not in nodes]:
        raise _fault("", "not-a-node", f"{strange[0][:130]} is no neuron of this circuit.")
    if wrong := [unit for unit, at in places.items() if not _is_place(at)]:
        raise _fault(f"/{wrong[0]}", "type", f"A place is two numbers, at most {FARTHEST} from 0.")
    return {unit: [round(x), round(y)] for unit, (x, y) in sorted(places.items())}


def _is_place(at: Any) -> bool:
    def fits(value: Any) -> bool:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and math.isfinite(value) and abs(value) <= FARTHEST

    return isinstance(at, list) and len(at) == 2 and all(map(fits, at))


def _fault(within: str, code: str, detail: str) -> Validation:
    return Validation(errors=[{"pointer": f"/places{within}", "code": code, "detail": detail}])
