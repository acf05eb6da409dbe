"""Writing a claim: a new one, and the next version of one; what cannot be saved comes back as it was typed."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from atlas.contents import CONTENTS
from atlas.dossiers import footholds as dossiers
from atlas.dossiers import versions
from atlas.errors import AtlasError, EditConflict, NoSuchAddress, Validation
from atlas.models import Checkpoint, Contributor, Foothold, Role, Visibility
from atlas.permissions import memberships_of, require
from atlas.services import addresses, circuits, footholds, teams, unsaved
from atlas.validation import named_at
from atlas.web import writing
from atlas.web.negotiation import require_method
from atlas.web.people import signed_in

WRITTEN = ("description", "link", "circuit", "collection")  # evidence is given on the page of its claim


def new(request: HttpRequest) -> HttpResponse:
    """Claim something; the address says of what kind, of which checkpoint and of which neuron."""
    require_method(request, "GET", "POST")
    person = signed_in(request).contributor
    given = request.POST if request.method == "POST" else request.GET
    kind = given.get("kind", "description")
    if kind not in WRITTEN:
        raise NoSuchAddress(address=request.get_full_path()[:200])
    checkpoint = _checkpoint(given.get("checkpoint", ""), person)
    page = _New(request, kind, checkpoint, person)
    return page.answer()


def edit(request: HttpRequest, accession: str) -> HttpResponse:
    """Add a version on top of the one that was on the screen."""
    require_method(request, "GET", "POST")
    person = signed_in(request).contributor
    row = footholds.find(accession, actor=person)
    require(person, "foothold.revise", row)
    if request.method == "GET":  # who has typed something is told beside it
        footholds.require_open(row)
    return _Edit(request, row, person).answer()


class _Writing(ABC):
    """What both have in common: typed, kept for later, refused with faults beside their fields, or saved."""

    template: str
    kind: str
    item: str  # under which unsaved text is kept
    beside: str  # the field besides the content's at which a fault can lie

    def __init__(self, request: HttpRequest, person: Contributor) -> None:
        self.request = request
        self.person = person

    def answer(self) -> HttpResponse:
        """The form; or what became of what was typed into it."""
        if self.request.method != "POST":
            return self._opened()
        typed = writing.typed_in(self.kind, self.request.POST)
        if "discard" in self.request.POST:
            unsaved.discard(actor=self.person, item=self.item)
            return redirect(self.request.get_full_path())
        try:
            return self._kept(typed) if "keep" in self.request.POST else self._saved(typed)
        except EditConflict as conflict:
            return self.conflicting(typed, conflict)
        except AtlasError as error:  # whatever it is, what was typed stands in the form
            if error.fault == "ours":
                raise
            errors = error.errors or [{"pointer": "", "detail": str(error)}]
            return self.shown(typed, errors=errors, status=error.status)

    def _saved(self, typed: Mapping[str, str]) -> HttpResponse:
        """Record it; raises what `save` does."""
        content, errors = writing.read(self.kind, typed)
        if errors:
            raise Validation(errors=errors)
        saved = self.save(content)
        unsaved.discard(actor=self.person, item=self.item)
        return redirect(f"/f/{saved.accession}")

    def _opened(self) -> HttpResponse:
        kept = unsaved.find(actor=self.person, item=self.item)
        if kept is not None and isinstance(kept.content, dict) and isinstance(kept.content.get("typed"), dict):
            typed = {name: str(text) for name, text in kept.content["typed"].items()}
            return self.shown(typed, kept=kept)
        return self.shown(self.start())

    def _kept(self, typed: Mapping[str, str]) -> HttpResponse:
        """Keep what was typed for its person alone."""
        unsaved.keep(actor=self.person, item=self.item, content={"typed": dict(typed)}, base_version=self.seen())
        messages.success(self.request, "Kept for you; it is here when you come back. Nobody else sees it.")
        return redirect(self.request.get_full_path())

    @abstractmethod
    def start(self) -> Mapping[str, str]:
        """What stands in the fields at first."""

    def seen(self) -> int | None:
        """The version that was on the screen."""
        return None

    @abstractmethod
    def save(self, content: dict[str, Any]) -> Foothold:
        """Record it."""

    def conflicting(self, typed: Mapping[str, str], conflict: EditConflict) -> HttpResponse:
        """Somebody was faster."""
        raise conflict

    def shown(self, typed: Mapping[str, str], *, errors: Any = (), status: int = 200, **more: Any) -> HttpResponse:
        """The page with what was typed."""
        beside = [it for it in errors if it["pointer"] == f"/{self.beside}"]
        others = [it for it in errors if it not in beside]
        form = writing.form(self.kind, typed, errors=others, new=self.seen() is None)
        context = {"form": form, "kind": self.kind, "summary": self.request.POST.get("summary", ""), **more}
        context["beside"] = [it["detail"] for it in beside]
        return render(self.request, self.template, {**context, **self.context()}, status=status)

    @abstractmethod
    def context(self) -> dict[str, Any]:
        """What else the page shows."""


class _New(_Writing):
    template, beside = "new_claim.html", "team"

    def __init__(self, request: HttpRequest, kind: str, checkpoint: Checkpoint | None, person: Contributor) -> None:
        super().__init__(request, person)
        self.kind = kind
        self.checkpoint = checkpoint
        self.neuron = request.GET.get("neuron", "")[:130].replace("\x00", "")
        about = f"{checkpoint.slug if checkpoint else ''}:{self.neuron}"
        self.item = f"new:{kind}:{about}"[: unsaved.LONGEST_ITEM]

    def start(self) -> Mapping[str, str]:
        if self.kind == "circuit" and self.checkpoint is not None and self.neuron:
            measured = self.request.GET.get("finding", "")[:64].replace("\x00", "")
            content = circuits.begun(self.checkpoint, self.neuron, measured, actor=self.person)
            return writing.typed_for(self.kind, content)
        subject = {"description": "neuron", "link": "target"}.get(self.kind)
        return writing.typed_for(self.kind, {subject: self.neuron} if subject and self.neuron else {})

    def save(self, content: dict[str, Any]) -> Foothold:
        posted = self.request.POST
        with named_at("/team"):
            team = teams.find(posted.get("team", "")[:40].replace("\x00", ""), actor=self.person)
        return footholds.create(
            actor=self.person,
            kind=self.kind,
            checkpoint=self.checkpoint,
            team=team,
            content=content,
            summary=posted.get("summary", ""),
            visibility=Visibility.TEAM if "team_only" in posted else Visibility.PUBLIC,
            draft="draft" in posted,
        )

    def context(self) -> dict[str, Any]:
        posted = self.request.POST
        return {
            "checkpoint": self.checkpoint,
            "neuron": self.neuron,
            "kinds": WRITTEN,
            "teams": _owners(self.person, self.checkpoint),
            "team": posted.get("team", ""),
            "team_only": "team_only" in posted,
            "draft": "draft" in posted,
        }


class _Edit(_Writing):
    template, beside = "edit_claim.html", "summary"

    def __init__(self, request: HttpRequest, row: Foothold, person: Contributor) -> None:
        super().__init__(request, person)
        self.row = row
        self.kind = row.kind
        self.item = row.accession
        seen = request.POST.get("based_on", "")
        known = seen.isascii() and seen.isdigit() and len(seen) < 8
        self.based_on = int(seen) if known else row.head_version

    def start(self) -> Mapping[str, str]:
        return writing.typed_for(self.kind, footholds.revision(self.row, self.row.head_version).content)

    def seen(self) -> int | None:
        return self.based_on

    def save(self, content: dict[str, Any]) -> Foothold:
        summary = self.request.POST.get("summary", "")
        held = footholds.revision(self.row, self.based_on).content
        fixed = {name: held[name] for name in CONTENTS[self.kind].fixed if name in held}
        footholds.revise(
            actor=self.person, foothold=self.row, content=content | fixed, based_on=self.based_on, summary=summary
        )
        return self.row

    def conflicting(self, typed: Mapping[str, str], conflict: EditConflict) -> HttpResponse:
        """Both texts beside each other; the form holds their merge, or mine where both changed one field."""
        facts = conflict.facts
        base = facts["base"]["version"]
        with suppress(Validation):  # what is too long to be kept stands in the form all the same
            unsaved.keep(actor=self.person, item=self.item, content={"typed": dict(typed)}, base_version=base)
        self.based_on = facts["theirs"]["version"]
        merged = writing.typed_for(self.kind, facts["merge"]) if facts["mergeable"] else typed
        theirs = versions.changes(self.kind, facts["base"]["content"], facts["theirs"]["content"])
        mine = versions.changes(self.kind, facts["theirs"]["content"], facts["mine"]["content"])
        return self.shown(merged, status=412, conflict=facts, theirs=theirs, mine=mine)

    def context(self) -> dict[str, Any]:
        listed = dossiers.readable_by(self.person).get(pk=self.row.pk)
        return {"it": dossiers.facts_of(listed), "based_on": self.based_on}


def _checkpoint(slug: str, person: Contributor) -> Checkpoint | None:
    return addresses.checkpoint(slug[:40], actor=person) if slug else None


def _owners(person: Contributor, checkpoint: Checkpoint | None) -> list[tuple[str, str]]:
    """The teams whose claim it may be: one's own, and on a team's own checkpoint that team."""
    mine = memberships_of(person).filter(role__gte=Role.ANNOTATOR).select_related("team").order_by("team__person", "pk")
    if checkpoint is not None and checkpoint.visibility != Visibility.PUBLIC:
        mine = mine.filter(team=checkpoint.team_id)
    return [(it.team.slug, "You" if it.team.person_id else it.team.name) for it in mine]
