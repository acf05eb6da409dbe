"""The search box: what it finds, and where a query cannot be read."""

import re
from dataclasses import replace
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect

from atlas import limits, problems
from atlas.dossiers import resolving
from atlas.dossiers import search as dossiers
from atlas.dossiers.bodies import body
from atlas.dossiers.resolving import ResolveDossier
from atlas.dossiers.suggestions import suggestions
from atlas.errors import BadParameter, MalformedQuery
from atlas.web.destinations import named
from atlas.web.negotiation import HTML, Page, negotiated, require_method
from atlas.web.people import actor_of

SIZE = 20
# Shown to who has found nothing, or has not looked yet.
EXAMPLES = (
    ("curve detector", "both words, in their titles first"),
    ('"curve detector" -edge', "these words in a row, and not edge"),
    ("curv* (kind:link OR kind:circuit)", "words that begin so, in links or circuits"),
    ("neuron:4c:447 state:accepted", "what is accepted of one neuron"),
    ("detects:curve confidence:>=4 has:evidence", "claims with this term, sure of themselves, and with evidence"),
    ("upstream(4c:447, top=20) updated:>=2026-01", "of the neurons that claimed links lead here from"),
)


@negotiated("GET")
def search(request: HttpRequest) -> Page | HttpResponse:
    """What this reader finds, a page at a time; without a query, how to write one.

    The box of the masthead asks to be led on (`go`) where what it holds is the name of exactly one thing.
    """
    text = request.GET.get("q", "").strip()
    after = _after(request.GET.get("after"))
    if "go" in request.GET:
        there = resolving.sure(text, actor=actor_of(request), checkpoint=request.GET.get("checkpoint", ""))
        if there is not None:
            return redirect(there)
    if not text:
        return Page("search.html", dossiers.NOTHING, {"examples": EXAMPLES})
    try:
        found = dossiers.find(text, actor=actor_of(request), limit=SIZE, after=after)
    except MalformedQuery as error:
        if request.form_of_answer != HTML:  # type: ignore[attr-defined]
            raise
        shown = replace(dossiers.NOTHING, query=text)
        return Page("search.html", shown, {"fault": problems.document(error), "examples": EXAMPLES}, error.status)
    dossier = found.dossier
    if found.after is not None:
        stage, place = found.after
        dossier = replace(dossier, next=f"{request.path}?{urlencode({'q': text, 'after': f'{stage}.{place}'})}")
    return Page("search.html", dossier, {"examples": () if dossier.items else EXAMPLES})


def suggested(request: HttpRequest) -> HttpResponse:
    """What may be meant by what was typed so far, for the box and the palette; counted as searching is."""
    require_method(request, "GET")
    limits.count(request, "search")
    text, here = request.GET.get("q", ""), request.GET.get("checkpoint", "")
    actor = actor_of(request)
    found = suggestions(text, actor=actor, checkpoint=here)
    items = [*found.items, *named(text, actor=actor)]
    return JsonResponse({"query": found.query, "items": body(items)}, headers={"Cache-Control": "private, no-store"})


@negotiated("GET")
def resolve(request: HttpRequest) -> Page | HttpResponse:
    """Lead to what a reference means; where it may mean several things or none, say which."""
    ref, here = request.GET.get("ref", ""), request.GET.get("checkpoint", "")
    if not ref.strip():
        return Page("resolve.html", resolving.NOTHING)
    found = resolving.resolve(ref, actor=actor_of(request), checkpoint=here)
    if len(found.candidates) == 1 and request.form_of_answer == HTML:  # type: ignore[attr-defined]
        return redirect(found.candidates[0].url)
    return _resolved(found)


def _resolved(found: ResolveDossier) -> Page:
    return Page("resolve.html", found, status=200 if found.candidates else 404)


def _after(text: str | None) -> list[int] | None:
    if text is None:
        return None
    if not re.fullmatch(r"[01]\.[0-9]{1,18}", text, flags=re.ASCII):
        raise BadParameter(parameter="after", reason="must be what the link to the next page has")
    return [int(part) for part in text.split(".")]
