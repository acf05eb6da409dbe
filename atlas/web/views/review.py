"""What awaits my review, one at a time with all that a verdict takes; after each it goes on to the next."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from atlas.contents.evidence import METHODS
from atlas.dossiers import comments, exhibits
from atlas.dossiers import footholds as dossiers
from atlas.dossiers.queue import ORDERS, QueueDossier, queue
from atlas.errors import AtlasError, BadParameter
from atlas.models import Contributor, Foothold, Review
from atlas.permissions import require, reviewing_teams
from atlas.services import footholds
from atlas.web import arguments, entries, offers
from atlas.web.negotiation import Page, negotiated
from atlas.web.people import person_of, signed_in
from atlas.web.views.verbs import MENDED_HERE, VERBS, earlier_verdict, tell

NARROWED = ("checkpoint", "team", "kind", "order")


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody is in the queue: the claim before them, and the addresses of what stands around it."""

    accession: str
    number: int  # in the list, from 1; 0 for what is not in it
    before: str
    after: str


@negotiated("GET", "POST")
def review(request: HttpRequest) -> Page | HttpResponse:
    """The queue and the claim that is next, or the one that was chosen; posting gives a verdict on it."""
    person = person_of(request) if request.method == "GET" else signed_in(request).contributor
    chosen = {name: request.GET.get(name, "")[:40].replace("\x00", "") for name in NARROWED}
    if chosen["order"] and chosen["order"] not in ORDERS:
        raise BadParameter(parameter="order", reason=f"must be one of {', '.join(ORDERS)}")
    found = queue(actor=person, **{**chosen, "order": chosen["order"] or ORDERS[0]})
    at = request.GET.get("at", "")[:40].replace("\x00", "")
    place = _place(found, at, chosen)
    if request.method == "POST":
        return _judged(request, person, found, place, chosen)
    return _page(found, place, chosen, person)


def _judged(
    request: HttpRequest, person: Contributor, found: QueueDossier, place: Place, chosen: dict[str, str]
) -> Page | HttpResponse:
    """Record the verdict and go on; or come back with what is wrong beside what was typed."""
    row = footholds.find(request.POST.get("accession", place.accession)[:40].replace("\x00", ""), actor=person)
    require(person, "foothold.review", row)
    form = offers.bound("review", request.POST, row, person)
    if form.is_valid():
        back = earlier_verdict(person, row, form.cleaned_data)
        try:
            VERBS["review"].act(person, row, dict(form.cleaned_data))
        except AtlasError as error:
            if not isinstance(error, MENDED_HERE):
                raise
            entries.refuse(form, error)
        else:
            verdict = Review.Verdict(form.cleaned_data["verdict"]).label
            tell(request, row, f"“{row.title}”: your verdict, {verdict}, is recorded.", back)
            return redirect(f"{place.after or _address(chosen)}#claim")
    return _page(found, place, chosen, person, form=form)


def _page(found: QueueDossier, place: Place, chosen: dict[str, str], person: Contributor, form: Any = None) -> Page:
    shown: dict[str, Any] = {"chosen": chosen, "place": place, "orders": ORDERS, "kinds": Foothold.Kind.values}
    shown["listed"] = [(it, _address(chosen, it.accession)) for it in found.items]
    if place.accession:
        shown |= _claim(place.accession, person, form)
    return Page("review.html", found, shown, 422 if form is not None else 200)


def _claim(accession: str, person: Contributor, form: arguments.Verdict | None) -> dict[str, Any]:
    """All that a verdict takes: what is said, what speaks for it, what others make of it as far as one may know."""
    row = footholds.find(accession, actor=person)
    dossier = dossiers.foothold(row.accession, actor=person)
    spoken = [it.evidence for it in dossier.support] if row.kind != Foothold.Kind.EVIDENCE else [row.accession]
    blank = offers.blank(row, dossier, actor=person)
    return {
        "claim": dossier,
        "it_form": form if form is not None else blank.get("review"),
        "teams": list(reviewing_teams(person, row).order_by("slug")),
        "exhibits": exhibits.neurons_of(row),
        "titles": exhibits.titles(dossier.content, actor=person),
        "testimonies": exhibits.testimonies(spoken, actor=person),
        "methods": METHODS,
        "discussion": comments.discussion(row, actor=person),
    }


def _place(found: QueueDossier, at: str, chosen: dict[str, str]) -> Place:
    """At what was asked for, else at the first."""
    listed = [it.accession for it in found.items]
    here = listed.index(at) if at in listed else -1
    if here < 0 and at:  # judged since, or not in this list: it is shown all the same
        return Place(at, 0, "", _address(chosen, listed[0]) if listed else "")
    if not listed:
        return Place("", 0, "", "")
    here = max(here, 0)
    before = _address(chosen, listed[here - 1]) if here else ""
    after = _address(chosen, listed[here + 1]) if here + 1 < len(listed) else ""
    return Place(listed[here], here + 1, before, after)


def _address(chosen: dict[str, str], at: str = "") -> str:
    given = {name: value for name, value in {**chosen, "at": at}.items() if value}
    return f"/review?{urlencode(given)}" if given else "/review"
