"""A story that a demonstration tells, act by act: each is done once, by its character, through the services."""

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import transaction

from atlas.acting import acting
from atlas.contents import CONTENTS
from atlas.models import (
    Checkpoint,
    Contributor,
    Foothold,
    Job,
    Membership,
    Resolution,
    Review,
    Revision,
    Role,
    Support,
    Team,
    Term,
)
from atlas.services import evidence, footholds, people, predictions, reviews, teams, terms
from atlas.services.connections import PROBE
from atlas.services.questions import Question, ask
from atlas.services.settling import settle

Act = Mapping[str, Any]
Content = dict[str, Any]
PictureOf = Callable[[str], Question]  # what asks for a picture of a unit


class Waiting(Exception):
    """The story goes on when a question is answered."""

    def __init__(self, question: Question, *, actor: Contributor) -> None:
        wanted = "it is known what feeds" if question.probe.name == PROBE else "there is a picture of"
        super().__init__(f"the story goes on when {wanted} {question.text}")
        self.question, self.actor = question, actor


class Taken(Exception):
    """A character's handle is somebody's who is none."""

    def __init__(self, handle: str) -> None:
        super().__init__(f"{handle} is somebody here already, and no character of the story")


class Teller:
    """Tells a story about a checkpoint. What was told before is recognised in the record, and not told again."""

    def __init__(self, story: Mapping[str, Any], *, checkpoint: Checkpoint, picture_of: PictureOf) -> None:
        self.story, self.checkpoint, self.picture_of = story, checkpoint, picture_of
        self.cast: dict[str, Contributor] = {}
        self.teams: dict[str, Team] = {}
        self.speaks_for: dict[str, Team] = {}  # of each character, by handle
        self.told: dict[str, Foothold] = {}
        self.measured: dict[str, Job] = {}

    def tell(self) -> Iterator[bool]:
        """Carry out one act after another; for each whether it was new. Raises Waiting, Taken, AtlasError."""
        with _turn(self.checkpoint, None):
            yield self._gather()
        for act in self.story["acts"]:
            actor = self.cast[act["by"]]
            with _turn(self.checkpoint, actor):
                yield ACTS[act["does"]](self, act, actor)

    # --- who, and in which words --------------------------------------------------------------------------------------
    def _gather(self) -> bool:
        steps = [self._person(handle, name) for handle, name in self.story["people"].items()]
        steps += [self._team(slug, facts) for slug, facts in self.story["teams"].items()]
        return any([*steps, *(self._term(facts) for facts in self.story["terms"])])

    def _person(self, handle: str, name: str) -> bool:
        known = Contributor.objects.filter(handle=handle).first()
        if known is not None and known.citation_name != name:
            raise Taken(handle)
        # Nobody is told the password: nobody signs in as a character.
        self.cast[handle] = (
            known or people.join(username=handle, password=secrets.token_urlsafe(32), citation_name=name).contributor
        )
        return known is None

    def _team(self, slug: str, facts: Mapping[str, Any]) -> bool:
        known = Team.objects.filter(slug=slug).first()
        team = known or teams.found(actor=None, slug=slug, name=facts["name"])
        new = known is None
        for handle, role in facts["members"].items():
            self.speaks_for[handle] = team
            if not Membership.objects.filter(team=team, contributor=self.cast[handle]).exists():
                _, shown = teams.invite(actor=None, team=team, role=Role[role.upper()])
                teams.accept(actor=self.cast[handle], shown=shown)
                new = True
        return new

    def _term(self, facts: Mapping[str, str]) -> bool:
        if Term.objects.filter(slug=facts["slug"]).exists():
            return False
        broader = terms.find(facts["broader"]) if "broader" in facts else None
        said: dict[str, Any] = {name: facts[name] for name in ("slug", "label", "definition")}
        terms.create(actor=self.cast[facts["by"]], broader=broader, **said)
        return True

    # --- what they do -------------------------------------------------------------------------------------------------
    def claim(self, act: Act, actor: Contributor) -> bool:
        """Make a foothold, which the acts that follow know as `as`."""
        self.told[act["as"]], new = self._made(act["kind"], self._meant(act["content"]), actor)
        return new

    def show(self, act: Act, actor: Contributor) -> bool:
        """Give evidence by the pictures of a unit, which a worker must have drawn."""
        job = _answer(self.picture_of(act["picture"]), actor)
        content = evidence.from_job(job, interpretation=act["interpretation"]) | {"alt_text": act["alt_text"]}
        return self._attached(act, content, actor)

    def measure(self, act: Act, actor: Contributor) -> bool:
        """Have a worker find out what feeds a unit, for links that rest on it by `as`; never new itself."""
        about: dict[str, Any] = {"subjects": [act["unit"]], "site": None, "params": act["params"], "many": True}
        [question] = ask(checkpoint=self.checkpoint, probe=PROBE, **about)
        self.measured[act["as"]] = _answer(question, actor)
        return False

    def argue(self, act: Act, actor: Contributor) -> bool:
        """Give evidence that is written out."""
        return self._attached(act, act["content"], actor)

    def review(self, act: Act, actor: Contributor) -> bool:
        """Cast a verdict."""
        row = self.told[act["of"]]
        if Review.objects.filter(foothold=row, reviewer=actor).exists():
            return False
        said = {name: act[name] for name in ("version", "verdict", "reason", "text") if name in act}
        reviews.review(actor=actor, foothold=row, team=self.speaks_for[actor.handle], **said)
        return True

    def revise(self, act: Act, actor: Contributor) -> bool:
        """Add a version."""
        row, based_on = self.told[act["of"]], act["based_on"]
        if row.head_version > based_on:
            return False
        content = {**footholds.revision(row, based_on).content, **self._meant(act["content"])}
        footholds.revise(actor=actor, foothold=row, content=content, based_on=based_on, summary=act["summary"])
        return True

    def resolve(self, act: Act, actor: Contributor) -> bool:
        """Decide a dispute."""
        row = self.told[act["of"]]
        if Resolution.objects.filter(foothold=row, curator=actor).exists():
            return False
        reviews.resolve(actor=actor, foothold=row, outcome=act["outcome"], rationale=act["rationale"])
        return True

    def test(self, act: Act, actor: Contributor) -> bool:
        """Have what a claim predicts computed."""
        row = self.told[act["of"]]
        if row.trials.exists():
            return False
        predictions.test(actor=actor, foothold=row)
        return True

    def withdraw(self, act: Act, actor: Contributor) -> bool:
        """Take a claim back."""
        row = self.told[act["of"]]
        if row.standing == Foothold.Standing.WITHDRAWN:
            return False
        footholds.withdraw(actor=actor, foothold=row, reason=act["reason"])
        return True

    # --- what was told before -----------------------------------------------------------------------------------------
    def _attached(self, act: Act, content: Content, actor: Contributor) -> bool:
        row, new = self._made("evidence", content, actor)
        said = {"role": act.get("role", "supports"), "facet": act.get("facet", "")}
        for claim in (self.told[name] for name in act["of"]):
            if not Support.objects.filter(evidence=row, claim=claim, **said).exists():
                evidence.attach(actor=actor, evidence=row, claim=claim, note=act.get("note", ""), **said)
                new = True
        return new

    def _made(self, kind: str, content: Content, actor: Contributor) -> tuple[Foothold, bool]:
        """This character's foothold that began as the same claim; made where there is none."""
        wanted = _claim_of(kind, settle(content, kind=kind, checkpoint=self.checkpoint, actor=actor).content)
        firsts = Revision.objects.filter(version=1, foothold__kind=kind, foothold__created_by=actor)
        for first in firsts.filter(foothold__checkpoint=self.checkpoint).select_related("foothold"):
            if _claim_of(kind, first.content) == wanted:
                return first.foothold, False
        team = self.speaks_for[actor.handle]
        made = footholds.create(actor=actor, kind=kind, checkpoint=self.checkpoint, team=team, content=content)
        return made, True

    def _meant(self, value: Any) -> Any:
        """What a content says, with `@name` read as the accession or the job that the story knows by that name."""
        if isinstance(value, dict):
            return {name: self._meant(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._meant(inner) for inner in value]
        if not isinstance(value, str) or not value.startswith("@"):
            return value
        job = self.measured.get(value[1:])
        return job.fingerprint if job else self.told[value[1:]].accession


ACTS: Mapping[str, Callable[[Teller, Act, Contributor], bool]] = {
    act.__name__: act
    for act in (
        Teller.claim,
        Teller.show,
        Teller.measure,
        Teller.argue,
        Teller.review,
        Teller.revise,
        Teller.resolve,
        Teller.test,
        Teller.withdraw,
    )
}


def _answer(question: Question, actor: Contributor) -> Job:
    """The finished job that answers a question; raises Waiting where none has."""
    found = Job.objects.filter(fingerprint=question.fingerprint, state=Job.State.DONE).select_related("probe").first()
    if found is None:
        raise Waiting(question, actor=actor)
    return found


def _claim_of(kind: str, content: Content) -> tuple[str, list[Any]]:
    """What makes it this claim and no other, however it is worded in the end."""
    described = CONTENTS[kind]
    return described.title(content), [content.get(name) for name in described.fixed]


def read(path: Path) -> dict[str, Any]:
    """The story in a file."""
    story: dict[str, Any] = json.loads(path.read_text())
    return story


@contextmanager
def _turn(checkpoint: Checkpoint, actor: Contributor | None) -> Iterator[None]:
    """One act: a transaction in somebody's name. Two who tell a story at once take turns at the checkpoint's row."""
    with acting(lambda: actor.pk if actor else None), transaction.atomic():
        Checkpoint.objects.select_for_update().get(pk=checkpoint.pk)
        yield
