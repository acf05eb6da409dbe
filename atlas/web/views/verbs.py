"""What is done about a claim from its page, a verb at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from atlas import uploads
from atlas.errors import AtlasError, EditConflict, IllegalStanding, NoSuchSupport, SelfReview, Validation
from atlas.models import Contributor, Foothold
from atlas.permissions import require
from atlas.services import evidence, footholds, predictions, reviews, teams, withdrawals
from atlas.services import uploads as kept
from atlas.validation import named_at
from atlas.web import arguments, entries, offers, undoing
from atlas.web.negotiation import negotiated, require_method
from atlas.web.people import signed_in
from atlas.web.views.footholds import page

# What a person can mend where they are; everything else is answered by the page of its problem.
MENDED_HERE = (Validation, EditConflict, IllegalStanding, NoSuchSupport, SelfReview)
Given = dict[str, Any]


# From who acts, the claim before and what was given: the verb by which it is taken back, and what that is given; None:
# it is not.
Undo = Callable[[Contributor, Foothold, Given], tuple[str, Given] | None]


@dataclass(frozen=True)
class Verb:
    """A verb: the permission it takes on the claim, what it does, what is said when it is done, and what undoes it."""

    permission: str
    act: Callable[[Contributor, Foothold, Given], Any]
    says: str
    undo: Undo | None = None


def _review(actor: Contributor, row: Foothold, given: Given) -> None:
    team = _team(given.pop("team"), actor)
    reviews.review(actor=actor, foothold=row, team=team, **given)


def _merge(actor: Contributor, row: Foothold, given: Given) -> None:
    into = _named(given["into"], actor, "/into")
    footholds.merge(actor=actor, foothold=row, into=into, reason=given["reason"])


def _detach(actor: Contributor, row: Foothold, given: Given) -> None:
    known = _named(given["evidence"], actor, "/evidence")
    evidence.detach(actor=actor, evidence=known, claim=row, role=given["role"], facet=given["facet"])


def _earlier_rank(actor: Contributor, row: Foothold, given: Given) -> tuple[str, Given] | None:
    return ("rank", {"rank": row.rank}) if row.rank != given["rank"] else None


def earlier_verdict(actor: Contributor, row: Foothold, given: Given) -> tuple[str, Given]:
    """What they said before of this version is said again; who had said nothing of it takes back what they say now."""
    before = row.reviews.filter(reviewer=actor, superseded_at=None, version=row.head_version).first()
    if before is None:
        return "recant", {}
    said = {name: getattr(before, name) for name in ("version", "verdict", "reason", "text")}
    return "review", {**said, "team": before.team.slug}


def _my_verdict(actor: Contributor, row: Foothold, given: Given) -> tuple[str, Given] | None:
    verb, back = earlier_verdict(actor, row, given)
    return (verb, back) if back else None


def _shown_before(actor: Contributor, row: Foothold, given: Given) -> tuple[str, Given] | None:
    return ("moderate", {"to": row.moderation, "reason": "Undone."}) if row.moderation != given["to"] else None


def _nothing_more(verb: str) -> Undo:
    """The verb by which it is taken back, which is given nothing."""
    return lambda actor, row, given: (verb, {})


def _earlier_text(actor: Contributor, row: Foothold, given: Given) -> tuple[str, Given] | None:
    """Of what was brought back: the version before it comes back in turn."""
    return "restore", {"version": row.head_version, "based_on": row.head_version + 1}


def _said_again(actor: Contributor, row: Foothold, given: Given) -> tuple[str, Given] | None:
    return "evidence", {"known": given["evidence"], "role": given["role"], "facet": given["facet"]}


def _team(slug: str, actor: Contributor) -> Any:
    if not slug:
        return None
    with named_at("/team"):
        return teams.find(slug, actor=actor)


def _named(accession: str, actor: Contributor, pointer: str) -> Foothold:
    with named_at(pointer):
        return footholds.find(accession, actor=actor)


VERBS = {
    "propose": Verb(
        "foothold.revise",
        lambda actor, row, given: footholds.propose(actor=actor, foothold=row),
        "Proposed: others read and review it now.",
    ),
    "review": Verb("foothold.review", _review, "Your verdict is recorded.", earlier_verdict),
    "recant": Verb(
        "foothold.review",
        lambda actor, row, given: reviews.recant(actor=actor, foothold=row),
        "Your verdict is taken back; that you gave it stays in the record.",
        _my_verdict,
    ),
    "withdraw": Verb(
        "foothold.withdraw",
        lambda actor, row, given: footholds.withdraw(actor=actor, foothold=row, **given),
        "Withdrawn; it stays readable and says so.",
        _nothing_more("reinstate"),
    ),
    "reinstate": Verb(
        "foothold.withdraw",
        lambda actor, row, given: withdrawals.reinstate(actor=actor, foothold=row),
        "It stands again.",
        _nothing_more("withdraw"),
    ),
    "retract": Verb(
        "foothold.decide",
        lambda actor, row, given: footholds.retract(actor=actor, foothold=row, **given),
        "Retracted; it stays readable and says why.",
    ),
    "resolve": Verb(
        "foothold.decide",
        lambda actor, row, given: reviews.resolve(actor=actor, foothold=row, **given),
        "Decided.",
    ),
    "merge": Verb("foothold.decide", _merge, "Merged: its address leads here now."),
    "rank": Verb(
        "foothold.decide",
        lambda actor, row, given: footholds.set_rank(actor=actor, foothold=row, **given),
        "Ranked.",
        _earlier_rank,
    ),
    "publish": Verb(
        "foothold.decide",
        lambda actor, row, given: footholds.publish(actor=actor, foothold=row),
        "Everybody reads it now.",
    ),
    "moderate": Verb(
        "foothold.moderate",
        lambda actor, row, given: footholds.moderate(actor=actor, foothold=row, **given),
        "Done, and kept in its log.",
        _shown_before,
    ),
    "restore": Verb(
        "foothold.revise",
        lambda actor, row, given: footholds.restore(actor=actor, foothold=row, **given),
        "That version is back, as a new one.",
        _earlier_text,
    ),
    "test": Verb(
        "",  # judged by the checkpoint, on which it computes
        lambda actor, row, given: predictions.test(actor=actor, foothold=row),
        "Its predictions are put to the test.",
    ),
    # Judged by the evidence, whose it is.
    "detach": Verb("", _detach, "Taken back; that it was said stays in the record.", _said_again),
}


def act(request: HttpRequest, accession: str, verb: str) -> HttpResponse:
    """Do it and go back to the claim; or show the claim with what is wrong."""
    require_method(request, "POST")
    person = signed_in(request).contributor
    row = footholds.find(accession, actor=person)
    chosen = VERBS[verb]
    if chosen.permission:
        require(person, chosen.permission, row)
    form = offers.bound(verb, request.POST, row, person)
    if form.is_valid():
        back = chosen.undo(person, row, form.cleaned_data) if chosen.undo else None
        try:
            chosen.act(person, row, dict(form.cleaned_data))
        except MENDED_HERE as error:
            entries.refuse(form, error)
        else:
            tell(request, row, chosen.says, back)
            return redirect(f"/f/{row.accession}")
    return _answered(request, row, person, **{verb: form})


def tell(request: HttpRequest, row: Foothold, says: str, back: tuple[str, Given] | None) -> None:
    if back is None:
        messages.success(request, says)
    else:
        undoing.told(request, says, at=f"/f/{row.accession}/{back[0]}", fields=back[1])


@csrf_exempt  # its body is taken in under limits of its own first; then the token in it is asked for all the same
def give(request: HttpRequest, accession: str) -> HttpResponse:
    """Say what speaks for or against a claim."""
    require_method(request, "POST")
    person = signed_in(request).contributor
    row = footholds.find(accession, actor=person)
    if request.content_type == uploads.MULTIPART:
        kept.require_uploader(person)
        uploads.receive(request, name="file", most=kept.LARGEST)
    answer: HttpResponse = _given(request, row, person)
    return answer


@csrf_protect
def _given(request: HttpRequest, row: Foothold, person: Contributor) -> HttpResponse:
    form = offers.bound("evidence", request.POST, row, person, files=request.FILES)
    if form.is_valid():
        try:
            made = _give(person, row, form)
        except AtlasError as error:
            if not isinstance(error, MENDED_HERE):
                raise
            _refuse_evidence(form, error)
        else:
            tell(request, row, "It stands with the claim now.", ("detach", {"evidence": made.accession, **_said(form)}))
            return redirect(f"/f/{row.accession}#evidence")
    return _answered(request, row, person, evidence=form)


def _said(form: arguments.Evidence) -> Given:
    return {name: form.cleaned_data[name] for name in ("role", "facet")}


def _give(person: Contributor, row: Foothold, form: arguments.Evidence) -> Foothold:
    """The evidence that stands with the claim now."""
    given, said = form.cleaned_data, _said(form)
    if given["known"]:
        known = _named(given["known"], person, "/known")
        evidence.attach(actor=person, evidence=known, claim=row, **said)
        return known
    if given["job"]:
        content = evidence.asked(given["job"], claim=row, interpretation=given["interpretation"])
    else:
        content = form.content(_sent(person, given["file"]))
    return evidence.give(actor=person, claim=row, content=content, **said)


def _sent(person: Contributor, file: Any) -> list[str]:
    """The artifact that is kept of a picture or a table; none of none."""
    if not file:
        return []
    try:
        return [kept.upload(actor=person, file=file.file, declared=file.content_type).sha256]
    except AtlasError as error:
        if error.fault == "ours":
            raise
        faults = error.errors or [{"code": error.slug(), "detail": str(error)}]
        raise Validation(errors=[{**it, "pointer": "/file"} for it in faults]) from None


def _refuse_evidence(form: arguments.Evidence, error: AtlasError) -> None:
    """Beside the field in which that part of a content was typed."""
    names = {"reference": "source", "jobs": "job", "artifacts": "file"}
    for fault in error.errors or [{"pointer": "", "detail": str(error)}]:
        parts = fault["pointer"].split("/")
        member = parts[2] if parts[1:2] == ["content"] and len(parts) > 2 else "".join(parts[1:2])
        name = names.get(member, member)
        form.add_error(name if name in form.fields else None, fault["detail"])


def _answered(request: HttpRequest, row: Foothold, person: Contributor, **wrong: Any) -> HttpResponse:
    def shown(request: HttpRequest, accession: str) -> Any:
        return page(request, row, actor=person, status=422, **wrong)

    return negotiated("POST")(shown)(request, accession=row.accession)
