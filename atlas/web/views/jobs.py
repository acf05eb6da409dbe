"""A question by its fingerprint: how far it is, and what came of it."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from atlas.dossiers import jobs as dossiers
from atlas.dossiers.counterparts import likenesses
from atlas.dossiers.fires import fires_of
from atlas.dossiers.wirings import wiring_of
from atlas.services import jobs
from atlas.web.negotiation import Page, negotiated, require_method
from atlas.web.people import actor_of

STOP_POLLING = 286  # htmx: show this, and ask no more
STILL = "Somebody else asked for this too, so it goes on."


@negotiated("GET")
def job(request: HttpRequest, fingerprint: str) -> Page:
    """A job's page."""
    found = dossiers.job(fingerprint, actor=actor_of(request))
    return Page("job.html", found, _beside(request, found))


def progress(request: HttpRequest, fingerprint: str) -> HttpResponse:
    """The part of a page that changes while a job runs."""
    require_method(request, "GET")
    return _live(request, fingerprint)


def _live(request: HttpRequest, fingerprint: str, *, notice: str = "") -> HttpResponse:
    found = dossiers.job(fingerprint, actor=actor_of(request))
    shown = {"job": found.job, "outlook": found.outlook, "workers": found.workers, "snapshots": found.snapshots}
    shown |= {"may_requeue": found.may_requeue, "notice": notice, **_beside(request, found)}
    return render(request, "parts/live.html", shown, status=STOP_POLLING if found.job.ended else 200)


def _beside(request: HttpRequest, found: dossiers.JobDossier) -> dict[str, Any]:
    """What its answer is shown with."""
    return {
        "wirings": wiring_of(found.job),
        "likenesses": likenesses([found.job]),
        "fires": fires_of(found.job, actor=actor_of(request)),
        "achieved": found.achieved,
        "recorded": found.recorded,
        "large": True,
    }


def cancel(request: HttpRequest, fingerprint: str) -> HttpResponse:
    """Withdraw my wish; where the page asked in place, its part comes back, else one goes where one was."""
    require_method(request, "POST")
    found = jobs.cancel(actor=actor_of(request), job=jobs.find(fingerprint, actor=actor_of(request)))
    still = found.state != "cancelled" and not found.cancel_requested_at
    if request.htmx:  # type: ignore[attr-defined]
        return _live(request, fingerprint, notice=STILL if still else "")
    messages.info(request, STILL if still else "Cancelled.")
    shown = dossiers.job(fingerprint, actor=actor_of(request)).job
    back = shown.neuron_url if request.POST.get("back") == "neuron" else None
    return redirect(f"{back}#{fingerprint[:12]}" if back else shown.url)


def requeue(request: HttpRequest, fingerprint: str) -> HttpResponse:
    """Queue it again, once its cause has been mended."""
    require_method(request, "POST")
    jobs.requeue(actor=actor_of(request), job=jobs.find(fingerprint, actor=actor_of(request)))
    messages.success(request, "Queued again.")
    return redirect(f"/j/{fingerprint}")
