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


@negotiated("GET")
def job(request: HttpRequest, fingerprint: str) -> Page:
    """A job's page."""
    found = dossiers.job(fingerprint, actor=actor_of(request))
    return Page("job.html", found, _beside(request, found))


def progress(request: HttpRequest, fingerprint: str) -> HttpResponse:
    """The part of a page that changes while a job runs."""
    require_method(request, "GET")
    found = dossiers.job(fingerprint, actor=actor_of(request))
    shown = {"job": found.job, "ahead": found.ahead, "workers": found.workers, "snapshots": found.snapshots}
    return render(
        request, "parts/live.html", shown | _beside(request, found), status=STOP_POLLING if found.job.ended else 200
    )


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
    """Withdraw my wish."""
    require_method(request, "POST")
    found = jobs.cancel(actor=actor_of(request), job=jobs.find(fingerprint, actor=actor_of(request)))
    still = found.state != "cancelled" and not found.cancel_requested_at
    messages.info(request, "Somebody else asked for this too, so it goes on." if still else "Cancelled.")
    return redirect(f"/j/{fingerprint}")


def requeue(request: HttpRequest, fingerprint: str) -> HttpResponse:
    """Queue it again, once its cause has been mended."""
    require_method(request, "POST")
    jobs.requeue(actor=actor_of(request), job=jobs.find(fingerprint, actor=actor_of(request)))
    messages.success(request, "Queued again.")
    return redirect(f"/j/{fingerprint}")
