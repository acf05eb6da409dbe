"""From what somebody typed to what is recorded: valid, in canonical spelling, and everything it names found."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from atlas import canonical, texts, validation
from atlas.accessions import is_valid, read
from atlas.contents import CONTENTS, PROSE, Content, Mention, replaced
from atlas.errors import AtlasError, NotCanonical, TextPolicy, Validation
from atlas.models import Artifact, Checkpoint, Contributor, Foothold, Job, Neuron, Term
from atlas.permissions import readable_footholds, readable_jobs
from atlas.services import artifacts
from atlas.services.addresses import Map, Place


@dataclass
class Settled:
    """A content in the form that is recorded, and the rows that it names, by the place where it names them."""

    kind: Content
    checkpoint: Checkpoint | None
    content: dict[str, Any]
    mentions: list[Mention] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)  # by pointer, as all that follow
    neurons: dict[str, Neuron] = field(default_factory=dict)
    footholds: dict[str, Foothold] = field(default_factory=dict)
    terms: dict[str, Term] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    artifacts: dict[str, Artifact] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """The hash of what is recorded."""
        return canonical.sha256(self.content)

    @property
    def title(self) -> str:
        """One line for lists."""
        return self.kind.title(self.content)[:200]


def settle(content: Any, *, kind: str, checkpoint: Checkpoint | None, actor: Contributor | None) -> Settled:
    """Judge a content by its kind's schema and find what it names; raises Validation with every fault's pointer.

    What the actor may not read is not found. `actor` None is the instance itself, which reads everything.
    """
    described = CONTENTS[kind]
    if errors := validation.faults(content, described.schema, at="/content"):
        raise Validation(errors=errors)
    if misleading := list(islice(_misleading(content, at="/content", prose=False), validation.MOST_ERRORS)):
        raise TextPolicy(errors=misleading)
    try:
        known = canonical.normalise(validation.with_defaults(content, described.schema))
    except NotCanonical as error:
        raise Validation(errors=[{"pointer": "/content", "code": "not-canonical", "detail": str(error)}]) from None
    settled = Settled(described, checkpoint, known)
    errors = _Finder(settled, actor).find()
    if errors:
        raise Validation(errors=errors[: validation.MOST_ERRORS])
    settled.mentions = list(described.mentions(settled.content))
    return settled


def _misleading(value: Any, *, at: str, prose: bool) -> Iterator[dict[str, str]]:
    """The faults of every text in a content; the schema has judged its length."""
    if isinstance(value, str):
        faults = texts.faults_of_prose if prose else texts.faults_of_line
        yield from faults(value, at=at, longest=len(value), shortest=0)
    elif isinstance(value, dict):
        for name, inner in value.items():
            place = f"{at}/{validation.escaped(name)}"
            yield from texts.faults_of_line(name, at=place, longest=len(name), shortest=0)
            yield from _misleading(inner, at=place, prose=name in PROSE)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _misleading(inner, at=f"{at}/{index}", prose=prose)


class _Finder:
    """Looks up what a content names, kind by kind, each in a fixed number of queries."""

    def __init__(self, settled: Settled, actor: Contributor | None) -> None:
        self.settled = settled
        self.actor = actor
        self.errors: list[dict[str, str]] = []
        self.mentions = list(settled.kind.mentions(settled.content))

    def find(self) -> list[dict[str, str]]:
        """Fill in what was found; the faults."""
        for what, look_up in (
            ("unit", self._units),
            ("foothold", self._footholds),
            ("term", self._terms),
            ("job", self._jobs),
            ("artifact", self._artifacts),
        ):
            if mentions := self._of(what):  # an import settles thousands, most of which name units only
                look_up(mentions)
        return self.errors

    def _of(self, what: str) -> list[Mention]:
        return [mention for mention in self.mentions if mention.what == what]

    def _units(self, mentions: list[Mention]) -> None:
        if self.settled.checkpoint is None:
            self._fault(mentions[0], "no-checkpoint", "Name the checkpoint whose neuron this is.")
            return
        layers = Map(self.settled.checkpoint, (mention.text.partition(":")[0] for mention in mentions))
        for mention in mentions:
            try:
                place = layers.unit(mention.text)
            except AtlasError as error:
                [entry, *_] = error.errors or [{"code": error.slug(), "detail": str(error)}]
                self._fault(mention, entry["code"], entry["detail"])
            else:
                self.settled.places[mention.pointer] = place
                self._write(mention, f"{place.layer.key}:{place.channel}")
        rows = layers.rows(self.settled.places.values())
        for pointer, place in self.settled.places.items():
            self.settled.neurons[pointer] = rows[place.layer.key, place.channel or 0]

    def _footholds(self, mentions: list[Mention]) -> None:
        wanted = {read(mention.text) for mention in mentions}
        rows = Foothold.objects.filter(accession__in={one for one in wanted if is_valid(one)})
        if self.actor is not None:
            rows = rows.filter(readable_footholds(self.actor))
        found = {row.accession: row for row in rows.select_related("checkpoint")}
        for mention in mentions:
            accession = read(mention.text)
            self._keep(mention, found.get(accession), self.settled.footholds, f"There is no foothold {accession[:20]}.")
            self._write(mention, accession)

    def _terms(self, mentions: list[Mention]) -> None:
        found = {
            term.slug: term.replaced_by or term
            for term in Term.objects.filter(slug__in={mention.text for mention in mentions}).select_related(
                "replaced_by"
            )
        }
        for mention in mentions:
            term = found.get(mention.text)
            self._keep(mention, term, self.settled.terms, f"There is no term {mention.text[:40]!r}; make it first.")
            if term is not None:
                self._write(mention, term.slug)

    def _jobs(self, mentions: list[Mention]) -> None:
        rows = Job.objects.filter(fingerprint__in={mention.text for mention in mentions})
        if self.actor is not None:
            rows = rows.filter(readable_jobs(self.actor))
        if self.settled.checkpoint is not None:
            rows = rows.filter(checkpoint=self.settled.checkpoint)
        found = {row.fingerprint: row for row in rows.select_related("probe")}
        for mention in mentions:
            job = found.get(mention.text)
            self._keep(mention, job, self.settled.jobs, "There is no such job of this checkpoint.")
            if job is not None and job.state != Job.State.DONE:
                self._fault(mention, "not-done", f"This job is {job.state}: only a finding is evidence.")

    def _artifacts(self, mentions: list[Mention]) -> None:
        for mention in mentions:
            found = Artifact.objects.filter(pk=mention.text)
            if self.actor is not None:
                found = found.filter(artifacts.referred_to(self.actor))
            self._keep(mention, found.first(), self.settled.artifacts, "There is no such artifact.")

    def _keep(self, mention: Mention, row: Any, rows: dict[str, Any], otherwise: str) -> None:
        if row is None:
            self._fault(mention, "not-found", otherwise)
        else:
            rows[mention.pointer] = row

    def _write(self, mention: Mention, text: str) -> None:
        """The canonical spelling, in place of the one that was given."""
        if text != mention.text:
            self.settled.content = replaced(self.settled.content, mention.path, text)

    def _fault(self, mention: Mention, code: str, detail: str) -> None:
        self.errors.append({"pointer": f"/content{mention.pointer}", "code": code, "detail": detail})
