"""Teams: who is in them and in which role, and for their admins how to change that."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from atlas.dossiers import people as dossiers
from atlas.errors import AboveYourRole, BadInvitation, EditConflict, LastAdmin, NoSuchMember, Validation
from atlas.models import Contributor, Team
from atlas.permissions import permits, require
from atlas.services import teams as services
from atlas.web import entries
from atlas.web.negotiation import Page, negotiated, require_method
from atlas.web.people import person_of, signed_in

# What a person can mend where they are; everything else is answered by the page of its problem.
MENDED_HERE = (Validation, AboveYourRole, EditConflict, LastAdmin)


@negotiated("GET", "POST")
def teams(request: HttpRequest) -> Page | HttpResponse:
    """My teams; posting accepts an invitation to one."""
    person = person_of(request)
    form = entries.Accepted(initial={"invitation": request.GET.get("invitation", "")[:100]})
    if request.method == "POST":
        signed_in(request)
        form = entries.Accepted(request.POST)
        if form.is_valid():
            try:
                joined = services.accept(actor=person, shown=form.cleaned_data["invitation"])
            except BadInvitation as error:
                form.add_error("invitation", str(error))
            else:
                messages.success(request, f"Welcome to {joined.team.name}." if joined else "You are here already.")
                return redirect(f"/teams/{joined.team.slug}" if joined else "/teams")
    return Page("teams.html", dossiers.teams_of(person), {"form": form}, 422 if form.errors else 200)


@negotiated("GET")
def team(request: HttpRequest, slug: str) -> Page:
    """One team."""
    return _page(slug, actor=person_of(request))


def rename(request: HttpRequest, slug: str) -> HttpResponse:
    """Give a team another name."""
    person, row = _led(request, slug, "team.rename")
    form = entries.NewName(request.POST)

    def carry_out() -> None:
        given = form.cleaned_data
        services.rename(actor=person, team=row, name=given["name"], based_on=given["version_tag"])

    return _tried(request, row, form, carry_out, place="naming", says="Renamed.")


def set_review(request: HttpRequest, slug: str) -> HttpResponse:
    """Let a team review blind, or openly."""
    person, row = _led(request, slug, "team.set-review")
    form = entries.Reviewing(request.POST)

    def carry_out() -> None:
        blind, seen = form.cleaned_data["blind_review"], form.cleaned_data["version_tag"]
        services.set_review(actor=person, team=row, blind_review=blind, based_on=seen)

    return _tried(request, row, form, carry_out, place="reviewing", says="So it reviews from now on.")


def invite(request: HttpRequest, slug: str) -> HttpResponse:
    """Make an invitation, whose secret stands in the answer and nowhere else."""
    person, row = _led(request, slug, "team.invite")
    form, made = entries.NewInvitation(request.POST), None
    if form.is_valid():
        try:
            made, shown = services.invite(actor=person, team=row, **form.cleaned_data)
        except MENDED_HERE as error:
            entries.refuse(form, error)
    if made is None:
        return _answered(request, slug, actor=person, inviting=form, status=422)
    facts = dossiers.new_invitation(made, shown=shown)
    return _answered(request, slug, actor=person, made=facts, status=201)


def revoke(request: HttpRequest, slug: str, prefix: str) -> HttpResponse:
    """Let nobody join by an invitation any more."""
    person, row = _led(request, slug, "team.invite")
    services.revoke_invitation(actor=person, team=row, prefix=prefix)
    messages.success(request, "Nobody joins by that invitation any more.")
    return redirect(f"/teams/{row.slug}")


def set_role(request: HttpRequest, slug: str, handle: str) -> HttpResponse:
    """Give a member another role."""
    person, row = _led(request, slug, "team.set-role")
    member = _member(handle)
    form = entries.NewRole(request.POST)

    def carry_out() -> None:
        given = form.cleaned_data
        services.set_role(actor=person, team=row, member=member, role=given["role"], based_on=given["version_tag"])

    return _tried(request, row, form, carry_out, place="about", says=f"{member.handle} has another role.")


def remove(request: HttpRequest, slug: str, handle: str) -> HttpResponse:
    """End a membership: somebody's, or one's own."""
    require_method(request, "POST")
    person = signed_in(request).contributor
    row, member = services.find(slug, actor=person), _member(handle)
    services.remove(actor=person, team=row, member=member)
    gone = member == person
    messages.success(request, f"You left {row.name}." if gone else f"{member.handle} is no member any more.")
    return redirect("/teams" if gone else f"/teams/{row.slug}")


def _led(request: HttpRequest, slug: str, verb: str) -> tuple[Contributor, Team]:
    require_method(request, "POST")
    person = signed_in(request).contributor
    row = services.find(slug, actor=person)
    require(person, verb, row)
    return person, row


def _tried(request: HttpRequest, row: Team, form: Any, carry_out: Any, *, place: str, says: str) -> HttpResponse:
    """Do it and go back to the team; or show the team with what is wrong."""
    person = person_of(request)
    if form.is_valid():
        try:
            carry_out()
        except MENDED_HERE as error:
            entries.refuse(form, error)
        else:
            messages.success(request, says)
            return redirect(f"/teams/{row.slug}")
    return _answered(request, row.slug, actor=person, status=422, **{place: form})


def _answered(request: HttpRequest, slug: str, **more: Any) -> HttpResponse:
    return negotiated("POST")(lambda request, slug: _page(slug, **more))(request, slug=slug)


def _page(slug: str, *, actor: Contributor, status: int = 200, made: Any = None, **wrong: Any) -> Page:
    """The page, with forms as they were typed where something is wrong."""
    found = dossiers.team_page(slug, actor=actor)
    row = services.find(slug, actor=actor)
    about = {it: getattr(found.team, it) for it in ("name", "blind_review", "version_tag")}
    shown = {
        "may_lead": permits(actor, "team.set-role", row) and not found.team.personal,
        "may_leave": permits(actor, "team.leave", row) and not found.team.personal,
        "inviting": wrong.get("inviting") or entries.NewInvitation(),
        "naming": wrong.get("naming") or entries.NewName(initial=about, auto_id="id_team_%s"),
        "reviewing": wrong.get("reviewing") or entries.Reviewing(initial=about, auto_id="id_review_%s"),
        "about": wrong.get("about"),
        "roles": entries.Role.choices,
        "made": made,
    }
    return Page("team.html", found, shown, status)


def _member(handle: str) -> Contributor:
    found = None if "\x00" in handle else Contributor.objects.filter(handle=handle[:39]).first()
    if found is None:
        raise NoSuchMember(member=handle[:80])
    return found
