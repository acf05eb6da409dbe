"""What I was told, what of it I have read, and how often I am mailed."""

import re

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from atlas.dossiers import notifications as dossiers
from atlas.errors import BadParameter
from atlas.models import DigestChoice
from atlas.services import notifications as services
from atlas.web import entries
from atlas.web.negotiation import Page, negotiated, require_method
from atlas.web.people import person_of, signed_in

ID = r"[0-9]{1,15}"


@negotiated("GET", "POST")
def notifications(request: HttpRequest) -> Page | HttpResponse:
    """What I was told, newest first; posting says how often I am mailed."""
    person = person_of(request)
    form = entries.Digest(initial={"digest": person.login.digest})
    if request.method == "POST":
        form = entries.Digest(request.POST)
        if form.is_valid():
            services.choose_digest(actor=person, digest=DigestChoice(form.cleaned_data["digest"]))
            messages.success(request, "Saved.")
            return redirect("/me/notifications")
    text = request.GET.get("before")
    if text is not None and not re.fullmatch(ID, text, flags=re.ASCII):
        raise BadParameter(parameter="before", reason="must be the id of a notification")
    found = dossiers.inbox(person, before=int(text) if text else None)
    return Page("notifications.html", found, {"form": form}, 422 if form.errors else 200)


def read(request: HttpRequest) -> HttpResponse:
    """Take one as read, or all up to one."""
    require_method(request, "POST")
    person = signed_in(request).contributor
    for name in ("id", "up_to"):
        text = request.POST.get(name, "")
        if re.fullmatch(ID, text, flags=re.ASCII):
            chosen = {"ids": [int(text)]} if name == "id" else {"up_to": int(text)}
            services.read(actor=person, **chosen)
    return redirect("/me/notifications")
