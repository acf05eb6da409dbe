"""What helps while somebody types: their Markdown as it will be read, words of the vocabulary, what they had sent."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from atlas import limits
from atlas.dossiers import terms
from atlas.redirects import Again
from atlas.web import unsent
from atlas.web.negotiation import require_method
from atlas.web.people import signed_in

LONGEST = 20_000  # characters that are rendered
COUNTED = "search"  # among whose requests these are counted
FORMS = ("/f/new", "/edit")  # addresses whose own form shows again what was typed into it
AS_TEXT = ("body", "text", "reason", "rationale", "interpretation", "quote", "title", "source", "note")


def preview(request: HttpRequest) -> HttpResponse:
    """The Markdown of one field as it will be read; `of` names the field."""
    require_method(request, "POST")
    _count(request)
    source = request.POST.get(request.POST.get("of", "")[:80], "")
    return render(request, "parts/preview.html", {"source": source[:LONGEST], "long": len(source) > LONGEST})


def suggest(request: HttpRequest) -> HttpResponse:
    """Words of the vocabulary that begin, or have a word that begins, as was typed: for a list of suggestions."""
    require_method(request, "GET")
    _count(request)
    return render(request, "parts/suggested.html", {"terms": terms.suggested(request.GET.get("word", "")[:40])})


def sent(request: HttpRequest) -> HttpResponse:
    """What was sent when its session had ended: to be sent once more, or thrown away."""
    require_method(request, "GET", "POST")
    person = signed_in(request).contributor
    held = unsent.held(request, person)
    if request.method == "POST":
        unsent.drop(request)
        if held is not None and "discard" not in request.POST:
            return Again(held["to"])
        messages.success(request, "Thrown away.")
        return redirect("/")
    if held is not None and held["to"].partition("?")[0].endswith(FORMS):
        return redirect(held["to"])
    return render(request, "unsent.html", {"held": held, **_divided(held)})


def _divided(held: dict[str, Any] | None) -> dict[str, Any]:
    """What can be read and mended, and what only goes along."""
    typed = held["typed"].items() if held else ()
    shown = [(name, text) for name, text in typed if name in AS_TEXT and text]
    return {"shown": shown, "along": [pair for pair in typed if pair not in shown]}


def _count(request: HttpRequest) -> None:
    signed_in(request)
    limits.count(request, COUNTED)
