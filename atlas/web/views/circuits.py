"""Circuits at work: their figure arranged, and a neuron's strongest inputs added with a click."""

import json
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from atlas.dossiers import inputs as dossiers
from atlas.errors import AboveQuota, EditConflict, Forbidden, NoSuchAddress, QuotaExceeded, Validation
from atlas.models import Contributor, Foothold, Job
from atlas.permissions import require
from atlas.services import arrangements, circuits, footholds
from atlas.services.circuits import Input
from atlas.web.negotiation import require_method
from atlas.web.people import signed_in

LONGEST = 100_000  # characters of the places of a figure


def arrange(request: HttpRequest, accession: str) -> HttpResponse:
    """Keep where a circuit's neurons were put, or forget it."""
    require_method(request, "POST")
    person, row = _theirs(request, accession)
    try:
        places = {} if "tidy" in request.POST else _places(request.POST.get("places", ""))
        arrangements.arrange(actor=person, foothold=row, places=places, seen=request.POST.get("seen", ""))
    except EditConflict:
        messages.warning(request, "Somebody arranged or revised it meanwhile; this is theirs. Yours was not saved.")
    except Validation as error:
        messages.error(request, f"The layout was not saved. {error.errors[0]['detail']}")
    else:
        messages.success(request, "Laid out anew." if "tidy" in request.POST else "The layout is saved, for everybody.")
    return redirect(f"/f/{row.accession}")


def inputs(request: HttpRequest, accession: str) -> HttpResponse:
    """What one of a circuit's neurons listens to; what is chosen of it is added in a new version."""
    require_method(request, "GET", "POST")
    person, row = _theirs(request, accession)
    given = request.POST if request.method == "POST" else request.GET
    unit = given.get("unit", "")[:130].replace("\x00", "")
    if row.kind != Foothold.Kind.CIRCUIT:
        raise NoSuchAddress(address=request.get_full_path()[:200])
    if request.method == "GET":
        return _page(request, row, person, unit)
    return _asked(request, row, person, unit) if "measure" in request.POST else _added(request, row, person, unit)


def _theirs(request: HttpRequest, accession: str) -> tuple[Contributor, Foothold]:
    """A claim that this person may revise."""
    person = signed_in(request).contributor
    row = footholds.find(accession, actor=person)
    require(person, "foothold.revise", row)
    return person, row


def _page(
    request: HttpRequest, row: Foothold, person: Contributor, unit: str, *, status: int = 200, **more: Any
) -> HttpResponse:
    found = dossiers.of(row, unit, kind=request.GET.get("kind", ""), actor=person)
    return render(request, "inputs.html", {"it": found, **more}, status=status)


def _added(request: HttpRequest, row: Foothold, person: Contributor, unit: str) -> HttpResponse:
    seen = request.POST.get("based_on", "")
    based_on = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 8 else row.head_version
    chosen = [Input(*it.rsplit(" ", 1)) for it in request.POST.getlist("input")[:200] if " " in it]
    try:
        circuits.grow(actor=person, foothold=row, unit=unit, inputs=chosen, based_on=based_on)
    except EditConflict as conflict:
        row.refresh_from_db()
        fault = f"{conflict.facts['theirs']['author']} saved version {row.head_version} meanwhile. Nothing was added; "
        return _page(request, row, person, unit, status=412, fault=f"{fault}choose again, on top of theirs.")
    except Validation as error:
        return _page(request, row, person, unit, status=422, fault=" ".join(it["detail"] for it in error.errors))
    messages.success(request, f"Added, in version {row.head_version}.")
    return redirect(f"/f/{row.accession}")


def _asked(request: HttpRequest, row: Foothold, person: Contributor, unit: str) -> HttpResponse:
    """Have a worker measure what the neuron listens to."""
    try:
        job = circuits.measure(actor=person, foothold=row, unit=unit)
    except (AboveQuota, Forbidden, QuotaExceeded, Validation) as error:
        return _page(request, row, person, unit, status=error.status, fault=str(error))
    if job.state in Job.OPEN:
        messages.success(request, "Asked. What it finds stands here when it is done: load the page again.")
    return redirect(f"/f/{row.accession}/inputs?{urlencode({'unit': unit})}")


def _places(text: str) -> Any:
    try:
        return json.loads(text[:LONGEST])
    except (ValueError, RecursionError):
        fault = {"pointer": "/places", "code": "unreadable", "detail": "Its places cannot be read."}
        raise Validation(errors=[fault]) from None
