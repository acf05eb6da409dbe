"""Which forms somebody finds on a claim's page: those of the verbs that are theirs to use on it as it stands."""

from collections.abc import Mapping
from typing import Any

from django import forms

from atlas.belonging import belongs
from atlas.dossiers.footholds import FootholdDossier
from atlas.models import Contributor, Foothold, Job, Role
from atlas.permissions import permits, readable_jobs, reviewing_teams
from atlas.services import evidence, withdrawals
from atlas.web import arguments

MOST_JOBS = 50
FORMS: Mapping[str, type[forms.Form]] = {
    "propose": arguments.Plain,
    "test": arguments.Plain,
    "review": arguments.Verdict,
    "evidence": arguments.Evidence,
    "recant": arguments.Plain,
    "withdraw": arguments.Withdrawal,
    "reinstate": arguments.Plain,
    "resolve": arguments.Decision,
    "retract": arguments.Reasoned,
    "merge": arguments.Merger,
    "rank": arguments.Ranking,
    "publish": arguments.Plain,
    "moderate": arguments.Moderating,
    "restore": arguments.Restoring,
    "detach": arguments.Detaching,
}


def blank(row: Foothold, found: FootholdDossier, *, actor: Contributor | None) -> dict[str, forms.Form]:
    """The forms by verb, not filled in."""
    if actor is None:
        return {}
    initial = {"version": row.head_version, "rank": row.rank, "to": row.moderation}
    offered = [verb for verb, may in _offered(row, found, actor).items() if may]
    return {verb: _form(verb, row, actor, initial=initial) for verb in offered}


def bound(verb: str, data: Any, row: Foothold, actor: Contributor, *, files: Any = None) -> forms.Form:
    """The form of a verb as it was posted."""
    return _form(verb, row, actor, data=data, files=files)


def _offered(row: Foothold, found: FootholdDossier, actor: Contributor) -> dict[str, bool]:
    open_, drafted = (row.standing == it for it in (Foothold.Standing.OPEN, Foothold.Standing.DRAFT))
    return {
        "propose": found.may_revise and drafted,
        "test": found.may_test,
        "review": found.may_review,
        "evidence": row.kind in evidence.CLAIMS and (open_ or drafted) and belongs(actor, Role.READER),
        "recant": any(it.current and it.reviewer == actor.handle for it in found.reviews)
        and permits(actor, "foothold.review", row),
        "withdraw": found.may_withdraw,
        "reinstate": permits(actor, "foothold.withdraw", row) and withdrawals.stood(row) is not None,
        "resolve": found.may_decide and found.judgement.state == Foothold.State.DISPUTED,
        "retract": found.may_decide and open_,
        "merge": found.may_decide and open_,
        "rank": found.may_decide and (open_ or drafted),
        "publish": found.may_decide and row.visibility == "team",
        "moderate": found.may_moderate,
    }


def _form(verb: str, row: Foothold, actor: Contributor, **given: Any) -> forms.Form:
    """A form with what can be chosen in it."""
    if verb == "review":
        given["teams"] = list(reviewing_teams(actor, row).order_by("slug").values_list("slug", "name"))
    if verb == "evidence":
        given["jobs"] = _jobs(row, actor)
    return FORMS[verb](auto_id=f"id_{verb}_%s", **given)


def _jobs(row: Foothold, actor: Contributor) -> list[tuple[str, str]]:
    """The finished questions about the neurons of a claim, newest first, with what to call them."""
    about = row.neurons.values("neuron")
    done = Job.objects.filter(readable_jobs(actor), neuron__in=about, state=Job.State.DONE).order_by("-id")
    named = done.values_list("fingerprint", "probe__name", "subject_text")[:MOST_JOBS]
    return [(fingerprint, f"{probe} of {subject}, {fingerprint[:12]}") for fingerprint, probe, subject in named]
