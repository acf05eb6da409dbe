"""Writing a claim: a new one, and the next version of one; what cannot be saved comes back as it was typed."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from atlas.belonging import memberships_of
from atlas.contents import CONTENTS
from atlas.contents.link import CAUSAL
from atlas.dossiers import footholds as dossiers
from atlas.dossiers.subjects import subjects
from atlas.errors import AtlasError, EditConflict, NoSuchAddress, Validation
from atlas.models import Checkpoint, Contributor, Foothold, Role, Visibility
from atlas.permissions import require
from atlas.services import addresses, circuits, evidence, footholds, rules, teams, unsaved
from atlas.validation import named_at
from atlas.web import conflicts, undoing, unsent, writing
from atlas.web.negotiation import require_method
from atlas.web.people import signed_in

WRITTEN = ("description", "link", "circuit", "collection")  # evidence is given on the page of its claim
BESIDE = ("summary", "team", "draft", "team_only")  # what is typed besides the content
UNITS = ("neuron", "source", "target")  # members that name what a claim is about
UNNAMED = r"[^A-Za-z0-9._:-]"  # what the name of an unsaved text does not hold
LONGEST = 130  # characters of what an address fills in


def new(request: HttpRequest) -> HttpResponse:
    """Claim something; the address says of what kind, of which checkpoint and of which neuron, or on which finding."""
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
    """What both have in common: typed, kept for later, looked over, refused with faults beside their fields, saved."""

    template: str
    kind: str
    checkpoint: Checkpoint | None
    item: str  # under which unsaved text is kept
    beside: str  # the field besides the content's at which a fault can lie

    def __init__(self, request: HttpRequest, person: Contributor) -> None:
        self.request = request
        self.person = person
        self.more: Mapping[str, str] = request.POST.dict()  # what stands besides the content

    def answer(self) -> HttpResponse:
        """The form; or what became of what was typed into it."""
        if self.request.method != "POST":
            return self._opened()
        typed = self.typed()
        if "discard" in self.request.POST:
            unsaved.discard(actor=self.person, item=self.item)
            return redirect(self.request.get_full_path())
        try:
            if "check" in self.request.POST:
                return self._looked_over(typed)
            return self._kept(typed) if "keep" in self.request.POST else self._saved(typed)
        except EditConflict as conflict:
            return self.conflicting(typed, conflict)
        except AtlasError as error:  # whatever it is, what was typed stands in the form
            if error.fault == "ours":
                raise
            errors = error.errors or [{"pointer": "", "detail": str(error)}]
            return self.shown(typed, errors=errors, status=error.status)

    def typed(self) -> dict[str, str]:
        """What was posted, by the members' names."""
        return writing.typed_in(self.kind, self.request.POST)

    def _saved(self, typed: Mapping[str, str]) -> HttpResponse:
        """Record it; raises what `save` does."""
        content, errors = writing.read(self.kind, typed)
        if errors:
            raise Validation(errors=errors)
        saved = self.save(content)
        unsaved.discard(actor=self.person, item=self.item)
        return redirect(f"/f/{saved.accession}")

    def _looked_over(self, typed: Mapping[str, str]) -> HttpResponse:
        """What the rules would say, beside the fields; nothing is recorded."""
        content, errors = writing.read(self.kind, typed)
        remarks: list[dict[str, str]] = []
        if not errors:
            about = {"kind": self.kind, "checkpoint": self.checkpoint, "actor": self.person}
            errors, remarks = rules.look_over(content | self.fixed(), **about)
        return self.shown(typed, errors=errors, remarks=remarks, looked_over=True)

    def _opened(self) -> HttpResponse:
        held = unsent.taken(self.request, self.person)
        if held is not None:  # it came when its session had ended; from here on it is kept as all that is typed
            self.more = held
            self.open_at(held.get("based_on", ""))
            with suppress(Validation):
                self._keep(writing.typed_in(self.kind, held))
            return self.shown(writing.typed_in(self.kind, held), was_unsent=True)
        kept = unsaved.find(actor=self.person, item=self.item)
        if kept is not None and isinstance(kept.content, dict) and isinstance(kept.content.get("typed"), dict):
            beside = kept.content.get("beside")
            self.more = {name: str(text) for name, text in beside.items()} if isinstance(beside, dict) else {}
            self.open_at(str(kept.base_version or ""))
            return self.shown({name: str(text) for name, text in kept.content["typed"].items()}, kept=kept)
        return self.shown(self.start())

    def _kept(self, typed: Mapping[str, str]) -> HttpResponse:
        """Keep what was typed for its person alone."""
        self._keep(typed)
        messages.success(self.request, "Kept for you; it is here when you come back. Nobody else sees it.")
        return redirect(self.request.get_full_path())

    def _keep(self, typed: Mapping[str, str]) -> None:
        beside = {name: self.more[name] for name in BESIDE if name in self.more}
        content = {"typed": dict(typed), "beside": beside}
        unsaved.keep(actor=self.person, item=self.item, content=content, base_version=self.seen())

    @abstractmethod
    def start(self) -> Mapping[str, str]:
        """What stands in the fields at first."""

    def seen(self) -> int | None:
        """The version that was on the screen."""
        return None

    def open_at(self, version: str) -> None:
        """Go on from the version that was on the screen when something was typed; of what is new there is none."""
        return

    def fixed(self) -> dict[str, Any]:
        """Members that stay as they are."""
        return {}

    @abstractmethod
    def save(self, content: dict[str, Any]) -> Foothold:
        """Record it."""

    def conflicting(self, typed: Mapping[str, str], conflict: EditConflict) -> HttpResponse:
        """Somebody was faster."""
        raise conflict

    def shown(
        self, typed: Mapping[str, str], *, errors: Any = (), remarks: Any = (), status: int = 200, **more: Any
    ) -> HttpResponse:
        """The page with what was typed."""
        beside = [it for it in errors if it["pointer"] == f"/{self.beside}"]
        others = [it for it in errors if it not in beside]
        form = writing.form(self.kind, typed, errors=others, remarks=remarks, new=self.seen() is None)
        context = {"form": form, "kind": self.kind, "item": self.item, "refused": bool(errors), **more}
        context["beside"] = [it["detail"] for it in beside]
        context["summary"] = self.more.get("summary", "")
        named = [typed[name] for name in UNITS if typed.get(name)]
        context["subjects"] = subjects(self.checkpoint, named, actor=self.person)
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
        self.given = {name: text[:LONGEST].replace("\x00", "") for name, text in request.GET.items()}
        self.neuron = self.given.get("neuron", "") or self.given.get("target", "")
        # Of each link into a neuron there is a text of its own.
        ends = [self.given[name] for name in ("source", "target") if self.given.get(name)]
        about = f"{checkpoint.slug if checkpoint else ''}:{'-'.join(ends) or self.neuron}"
        self.item = re.sub(UNNAMED, "-", f"new:{kind}:{about}")[: unsaved.LONGEST_ITEM]

    def start(self) -> Mapping[str, str]:
        if self.kind == "circuit" and self.checkpoint is not None and self.neuron:
            measured = self.given.get("finding", "")[:64]
            content = circuits.begun(self.checkpoint, self.neuron, measured, actor=self.person)
            return writing.typed_for(self.kind, content)
        if self.kind == "description":
            return writing.typed_for(self.kind, {"neuron": self.neuron} if self.neuron else {})
        if self.kind != "link":
            return writing.typed_for(self.kind, {})
        given = {name: self.given[name] for name in ("source", "target", "relation", "sign") if self.given.get(name)}
        given |= {"target": self.neuron} if self.neuron else {}
        return writing.typed_for(self.kind, {**given, "rests_on": {"finding": self.given.get("finding", "")}})

    def save(self, content: dict[str, Any]) -> Foothold:
        with named_at("/team"):
            team = teams.find(self.more.get("team", "")[:40].replace("\x00", ""), actor=self.person)
        claim = {
            "kind": self.kind,
            "checkpoint": self.checkpoint,
            "team": team,
            "content": content,
            "summary": self.more.get("summary", ""),
            "visibility": Visibility.TEAM if "team_only" in self.more else Visibility.PUBLIC,
            "draft": "draft" in self.more,
        }
        if self.finding:
            return evidence.begin(actor=self.person, job=self.finding, **claim)
        return footholds.create(actor=self.person, **claim)

    @property
    def finding(self) -> str:
        """The finished job that is given as evidence with it; a link rests on its own."""
        return self.given.get("finding", "") if self.kind == "description" and self.checkpoint else ""

    def context(self) -> dict[str, Any]:
        return {
            "checkpoint": self.checkpoint,
            "neuron": self.neuron,
            "finding": self.given.get("finding", ""),
            "kinds": WRITTEN,
            "causal": CAUSAL,
            "teams": _owners(self.person, self.checkpoint),
            "team": self.more.get("team", ""),
            "team_only": "team_only" in self.more,
            "draft": "draft" in self.more,
        }


class _Edit(_Writing):
    template, beside = "edit_claim.html", "summary"

    def __init__(self, request: HttpRequest, row: Foothold, person: Contributor) -> None:
        super().__init__(request, person)
        self.row = row
        self.kind = row.kind
        self.checkpoint = row.checkpoint
        self.item = row.accession
        self.based_on = row.head_version
        self.open_at(request.POST.get("based_on", ""))

    def open_at(self, version: str) -> None:
        if version.isascii() and version.isdigit() and len(version) < 8:
            self.based_on = int(version)

    def typed(self) -> dict[str, str]:
        """With their text in the fields for which that was chosen after a conflict."""
        typed = super().typed()
        if not any(name.startswith(conflicts.TAKE) for name in self.request.POST):
            return typed
        theirs = footholds.revision(self.row, self.based_on).content
        return conflicts.chosen(self.kind, typed, posted=self.request.POST, theirs=theirs)

    def start(self) -> Mapping[str, str]:
        return writing.typed_for(self.kind, footholds.revision(self.row, self.row.head_version).content)

    def seen(self) -> int | None:
        return self.based_on

    def fixed(self) -> dict[str, Any]:
        held = footholds.revision(self.row, self.based_on).content
        return {name: held[name] for name in CONTENTS[self.kind].fixed if name in held}

    def save(self, content: dict[str, Any]) -> Foothold:
        made = footholds.revise(
            actor=self.person,
            foothold=self.row,
            content=content | self.fixed(),
            based_on=self.based_on,
            summary=self.more.get("summary", ""),
        )
        before = {"version": self.based_on, "based_on": made.version}
        says = f"Version {made.version} is saved."
        undoing.told(self.request, says, at=f"/f/{self.row.accession}/restore", fields=before)
        return self.row

    def conflicting(self, typed: Mapping[str, str], conflict: EditConflict) -> HttpResponse:
        """Both texts beside each other; the form holds mine where I changed something, and theirs elsewhere."""
        facts = conflict.facts
        base = facts["base"]["version"]
        with suppress(Validation):  # what is too long to be kept stands in the form all the same
            self.based_on = base
            self._keep(typed)
        self.based_on = facts["theirs"]["version"]
        contents = {side: facts[side]["content"] for side in ("base", "theirs", "mine")}
        merge = conflicts.merge(self.kind, typed, **contents)
        return self.shown(merge.typed, status=412, conflict=facts, merge=merge)

    def context(self) -> dict[str, Any]:
        return {"it": dossiers.alone(self.row, actor=self.person), "based_on": self.based_on}


def _checkpoint(slug: str, person: Contributor) -> Checkpoint | None:
    return addresses.checkpoint(slug[:40], actor=person) if slug else None


def _owners(person: Contributor, checkpoint: Checkpoint | None) -> list[tuple[str, str]]:
    """The teams whose claim it may be: one's own, and on a team's own checkpoint that team."""
    mine = memberships_of(person).filter(role__gte=Role.ANNOTATOR).select_related("team").order_by("team__person", "pk")
    if checkpoint is not None and checkpoint.visibility != Visibility.PUBLIC:
        mine = mine.filter(team=checkpoint.team_id)
    return [(it.team.slug, "You" if it.team.person_id else it.team.name) for it in mine]
