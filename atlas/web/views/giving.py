"""A finding is used as evidence: for or against a claim that there is, or under one that is new."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from atlas.dossiers.receivers import Receivers, receivers
from atlas.errors import AtlasError
from atlas.models import Contributor, Foothold, Support
from atlas.services import evidence, footholds
from atlas.validation import named_at
from atlas.web import arguments, entries, undoing
from atlas.web.negotiation import require_method
from atlas.web.people import signed_in


def use(request: HttpRequest, fingerprint: str) -> HttpResponse:
    """The claims it could speak for or against; posting says for which it does. In place of a link, where asked so."""
    require_method(request, "GET", "POST")
    person = signed_in(request).contributor
    found = receivers(fingerprint, actor=person, unit=request.GET.get("unit", "")[:130])
    choices = [(it.accession, it.title) for it in found.claims]
    given = request.POST if request.method == "POST" else None
    form = arguments.Giving(given, claims=choices, auto_id=f"give-{fingerprint[:12]}-%s")
    if request.method == "POST" and form.is_valid():
        try:
            return _given(request, person, found, form.cleaned_data)
        except AtlasError as error:
            if error.fault == "ours":
                raise
            entries.refuse(form, error)
    part = getattr(request, "htmx", False) and not form.is_bound
    template = "parts/giving.html" if part else "giving.html"
    shown = {"it": found, "form": form, "here": request.get_full_path(), "part": part}
    return render(request, template, shown, status=422 if form.errors else 200)


def _given(request: HttpRequest, person: Contributor, found: Receivers, given: dict[str, Any]) -> HttpResponse:
    with named_at("/claim"):
        claim = footholds.find(given["claim"], actor=person)
    said = {"role": given["role"], "facet": given["facet"]}
    content = evidence.asked(found.job.fingerprint, claim=claim, interpretation=given["interpretation"])
    made = evidence.give(actor=person, claim=claim, content=content, **said)
    taken = {"evidence": made.accession, **said}
    at = f"/f/{claim.accession}"
    undoing.told(request, _says(claim, given["role"]), at=f"{at}/detach", fields=taken)
    return redirect(f"{at}#evidence")


def _says(claim: Foothold, role: str) -> str:
    return f"It {'leaves open' if role == Support.Role.NEUTRAL else role} “{claim.title}” now."
