"""Which neurons fire for a picture: one that somebody sends, or one of a dataset; the answer has a job's own page."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from atlas import uploads
from atlas.errors import AtlasError, Validation
from atlas.models import Checkpoint, Contributor
from atlas.permissions import permits, require
from atlas.services import addresses, catalog, datasets, jobs, recordings
from atlas.services import uploads as kept
from atlas.services.questions import ask
from atlas.web import entries
from atlas.web.negotiation import require_method
from atlas.web.people import actor_of, signed_in

PROBE, EVERYTHING = "firing", "*"


@csrf_exempt  # its body is taken in under limits of its own first; then the token in it is asked for all the same
def firing(request: HttpRequest) -> HttpResponse:
    """Ask of a checkpoint's neurons which fire; against what was recorded of them over a dataset."""
    require_method(request, "GET", "POST")
    actor = signed_in(request).contributor if request.method == "POST" else actor_of(request)
    row = addresses.checkpoint(request.GET.get("checkpoint", "")[:40].replace("\x00", ""), actor=actor)
    if request.method == "GET":
        return _page(request, row, entries.NewFiring(against=_choices(row, actor)), actor=actor)
    require(actor, "job.request", row)
    uploads.receive(request, name="file", most=kept.LARGEST)
    answer: HttpResponse = _asked(request, row, actor)
    return answer


@csrf_protect
def _asked(request: HttpRequest, row: Checkpoint, person: Contributor) -> HttpResponse:
    form = entries.NewFiring(request.POST, request.FILES, against=_choices(row, person))
    if form.is_valid():
        try:
            params = {"picture": _picture(person, form.cleaned_data), "against": form.cleaned_data["against"]}
            questions = ask(
                checkpoint=row, probe=PROBE, subjects=[EVERYTHING], site=None, params=params, many=False
            )  # fmt: skip
            answer = jobs.request(actor=person, checkpoint=row, questions=questions)
        except AtlasError as error:
            if error.fault == "ours":
                raise
            entries.refuse(form, error)
        else:
            messages.success(
                request, "Asked. The answer appears here." if answer.new else "This had been asked before."
            )
            return redirect(f"/j/{answer.jobs[0].fingerprint}")
    return _page(request, row, form, actor=person, status=422)


def _picture(person: Contributor, given: dict[str, Any]) -> str:
    """The artifact of the picture; raises Validation beside the field that names none."""
    if given["file"]:
        try:
            return kept.upload(actor=person, file=given["file"].file, declared=given["file"].content_type).sha256
        except AtlasError as error:
            if error.fault == "ours":
                raise
            faults = error.errors or [{"code": error.slug(), "detail": str(error)}]
            raise Validation(errors=[{**it, "pointer": "/file"} for it in faults]) from None
    item = datasets.item(given["item"], actor=person)
    if item is None or item.artifact is None:
        detail = "No dataset that you may read has a picture with this digest."
        raise Validation(errors=[{"pointer": "/item", "code": "no-such-item", "detail": detail}])
    return item.artifact.sha256


def _page(
    request: HttpRequest, row: Checkpoint, form: entries.NewFiring, *, actor: Contributor | None, status: int = 200
) -> HttpResponse:
    shown = {
        "form": form,
        "checkpoint": row,
        "may_compute": permits(actor, "job.request", row),
        "known": PROBE in catalog.names(),
        "recorded": len(form.recorded),
    }
    return render(request, "firing.html", shown, status=status)


def _choices(row: Checkpoint, actor: Contributor | None) -> list[tuple[str, str]]:
    """What was recorded of the whole checkpoint over datasets that this person may read, newest first."""
    return [
        (it.artifact.sha256, f"{it.finding.job.dataset.title} ({it.finding.job.dataset.size:,} pictures)")
        for it in recordings.of_everything(row, actor=actor)
        if it.finding.job.dataset
    ]
