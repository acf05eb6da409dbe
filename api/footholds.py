"""What people claim, in its versions; and what is done about it, a verb at a time."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from api import naming, query, shapes
from api.conditions import version_seen
from api.endpoint import Endpoint
from api.idempotency import idempotent
from api.pagination import page, span, window
from api.schema import Written, operation
from atlas import works
from atlas.citing import citation
from atlas.contents import CONTENTS
from atlas.dossiers import footholds as dossiers
from atlas.dossiers.bodies import body
from atlas.errors import Validation
from atlas.models import Contributor, Foothold, Support, Visibility
from atlas.permissions import require
from atlas.redirects import moved
from atlas.search.fields import FLAGS
from atlas.services import addresses, evidence, footholds, terms
from atlas.validation import closed

ROOT = "/api/v1/footholds"
KINDS = list(CONTENTS)
STATES = Foothold.State.values
ACCESSION = {"type": "string", "minLength": 1, "maxLength": 40, "description": "A foothold's accession."}
TEAM = {"type": "string", "maxLength": 40, "description": "The team whose it is; your own space unless you say."}
SUMMARY = {"type": "string", "maxLength": 300, "description": "What this version changes, in a line."}
CONTENT = {"type": "object", "description": "What it says; its members depend on the kind."}
REASON = {"type": "string", "minLength": 1, "maxLength": 1_000, "description": "Why."}
VERSION = {"type": "integer", "minimum": 1, "maximum": 1_000_000}


class WantedFoothold(Written):
    """A foothold that is made."""

    judged_by = closed(
        "A new foothold.",
        kind={"type": "string", "enum": KINDS},
        content=CONTENT,
        optional={
            "checkpoint": {"type": "string", "maxLength": 40, "description": "The checkpoint it is about."},
            "team": TEAM,
            "summary": SUMMARY,
            "visibility": {"type": "string", "enum": Visibility.values, "default": Visibility.PUBLIC},
            "draft": {"type": "boolean", "default": False, "description": "Keep it to yourself and your reviewers."},
            "derived_from": {"type": "string", "maxLength": 20, "description": "Accession.version it was copied from."},
        },
    )


class Revised(Written):
    """What a version changes."""

    judged_by = closed(
        "The members of the content that change; all others stay as in the version that If-Match names.",
        content=CONTENT,
        optional={"summary": SUMMARY},
    )


class WantedEvidence(Written):
    """Evidence for a claim: known already, or made in the same step, from a finished job or from its content."""

    judged_by = {
        **closed(
            "What speaks of the claim: exactly one of evidence, job and content.",
            optional={
                "evidence": ACCESSION,
                "job": {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "A finished job."},
                "content": CONTENT,
                "interpretation": {"type": "string", "maxLength": 4_000, "description": "What the finding says of it."},
                "role": {"type": "string", "enum": Support.Role.values, "default": "supports"},
                "facet": {"type": "string", "enum": Support.Facet.values, "default": ""},
                "note": {"type": "string", "maxLength": 500},
                "team": {
                    **TEAM,
                    "description": "Whose it is; the claim's team if you write in it, else your own space.",
                },
            },
        ),
        "oneOf": [{"required": ["evidence"]}, {"required": ["job"]}, {"required": ["content"]}],
    }


class Listed(Endpoint):
    """A list of footholds, by what is asked of all kinds alike."""

    parameters = {
        **query.PAGING,
        "state": query.one_of("Only in this state.", *STATES),
        "checkpoint": query.text("Only about this checkpoint, by slug."),
        "team": query.text("Only of this team, by slug."),
        "author": query.text("Only those first written by this person, by handle."),
        "term": query.text("Only those that use this term, by slug."),
        "flag": query.one_of("Only those with this flag.", *FLAGS),
        "ordering": query.one_of("Newest first (the default) or oldest first.", "-id", "id"),
    }

    def listed(self, request: Request, **only: Any) -> Response:
        """A page of those this reader may see."""
        known = {name: self.asked.get(name) for name in ("state", "flag")}
        rows = dossiers.readable_by(self.actor, **known).filter(**self._chosen(), **only)
        found, after = window(rows, by=self.asked.get("ordering", "-id"), asked=self.asked, request=request)
        return page(request, dossiers.listed(found, actor=self.actor), after=after)

    def _chosen(self) -> dict[str, Any]:
        columns = {
            "kind": "kind",
            "checkpoint": "checkpoint__slug",
            "team": "team__slug",
            "author": "created_by__handle",
            "term": "terms__term__slug",
        }
        chosen = {column: self.asked[name] for name, column in columns.items() if name in self.asked}
        if "term" in self.asked:
            chosen[columns["term"]] = terms.current(self.asked["term"])
        return chosen


class Circuits(Listed):
    """The circuits this reader may see."""

    @operation("list_circuits", shapes.FootholdPage)
    def get(self, request: Request) -> Response:
        """List the circuits; each is read at `footholds/{accession}`, and drawn at its `graph`."""
        return self.listed(request, kind=Foothold.Kind.CIRCUIT)


class Collections(Listed):
    """The collections this reader may see."""

    @operation("list_collections", shapes.FootholdPage)
    def get(self, request: Request) -> Response:
        """List the collections; each is read at `footholds/{accession}`."""
        return self.listed(request, kind=Foothold.Kind.COLLECTION)


class Footholds(Listed):
    """The footholds this reader may see."""

    parameters = {**Listed.parameters, "kind": query.one_of("Only of this kind.", *KINDS)}

    @operation("list_footholds", shapes.FootholdPage)
    def get(self, request: Request) -> Response:
        """List the footholds."""
        return self.listed(request)

    @operation("create_foothold", shapes.Foothold, codes=(201,), given=WantedFoothold, writes=True)
    @idempotent
    def post(self, request: Request) -> Response:
        """Claim something: it is recorded in its first version, and proposed unless it is a draft."""
        person, given = self.person, self.given(WantedFoothold.judged_by)
        made = footholds.create(
            actor=person,
            kind=given["kind"],
            checkpoint=naming.checkpoint(given.get("checkpoint"), actor=person),
            team=naming.team(given.get("team"), actor=person),
            content=given["content"],
            **{name: given[name] for name in ("summary", "visibility", "draft", "derived_from") if name in given},
        )
        place = {"Location": f"{ROOT}/{made.accession}"}
        return Response(body(dossiers.foothold(made.accession, actor=person)), status=201, headers=place)


class OneFoothold(Endpoint):
    """One foothold."""

    @operation("read_foothold", shapes.Foothold, 404, 410, moves=True)
    def get(self, request: Request, accession: str) -> Any:
        """What it says in its newest version, its state and why, and what speaks for and against it."""
        found = dossiers.foothold(accession, actor=self.actor)
        if accession != found.foothold.accession:
            return moved(request, f"{ROOT}/{found.foothold.accession}")
        return Response(body(found))

    @operation("revise_foothold", shapes.Foothold, 404, 409, 410, 412, 428, given=Revised, writes=True)
    def patch(self, request: Request, accession: str) -> Response:
        """Add a version on top of the one that If-Match names; a 412 has both texts, and a merge if there is one."""
        person, row = self.person, footholds.find(accession, actor=self.actor)
        require(person, "foothold.revise", row)
        seen, given = version_seen(request, current=row.version_tag), self.given(Revised.judged_by)
        based_on = naming.version(seen, row)
        content = {**footholds.revision(row, based_on).content, **given["content"]}
        summary = given.get("summary", "")
        footholds.revise(actor=person, foothold=row, content=content, based_on=based_on, summary=summary)
        return Response(body(dossiers.foothold(accession, actor=person)))


class Versions(Endpoint):
    """The versions of a foothold."""

    parameters = query.PAGING

    @operation("list_versions", shapes.RevisionPage, 404, 410)
    def get(self, request: Request, accession: str) -> Response:
        """List them, oldest first."""
        every = dossiers.versions_of(footholds.find(accession, actor=self.actor))
        start, stop, after = span(len(every), asked=self.asked, request=request)
        return page(request, every[start:stop], after=after)


class OneVersion(Endpoint):
    """One version of a foothold."""

    @operation("read_version", shapes.Revision, 404, 410)
    def get(self, request: Request, accession: str, version: str) -> Response:
        """What it said then: the same for ever."""
        return Response(body(dossiers.version(accession, version, actor=self.actor)))


class Cite(Endpoint):
    """The citation of a foothold."""

    @operation("cite_foothold", shapes.Citation, 404, 410)
    def get(self, request: Request, accession: str) -> Response:
        """How to cite its newest version: the permanent address, and the text in every format."""
        newest = footholds.find(accession, actor=self.actor).head_version
        return _cited(request, accession, str(newest), actor=self.actor)


class CiteVersion(Endpoint):
    """The citation of one version of a foothold."""

    @operation("cite_version", shapes.Citation, 404, 410)
    def get(self, request: Request, accession: str, version: str) -> Response:
        """How to cite it: the permanent address, and the text in every format."""
        return _cited(request, accession, version, actor=self.actor)


def _cited(request: Request, accession: str, version: str, *, actor: Contributor | None) -> Response:
    found = dossiers.version(accession, version, actor=actor)
    return Response(body(citation(works.of_version(found, origin=works.origin_of(request)))))


class Evidence(Endpoint):
    """What speaks for or against a claim; for evidence, what it speaks of."""

    @operation("list_support", shapes.SupportPage, 404, 410)
    def get(self, request: Request, accession: str) -> Response:
        """List what is said."""
        row = footholds.find(accession, actor=self.actor)
        return page(request, dossiers.support_of(row, actor=self.actor))

    @operation("give_evidence", shapes.Foothold, 404, 410, codes=(201,), given=WantedEvidence, writes=True)
    @idempotent
    def post(self, request: Request, accession: str) -> Response:
        """Say that evidence speaks of this claim; made in the same step where a job or a content is given."""
        person, claim = self.person, footholds.find(accession, actor=self.actor)
        given = self.given(WantedEvidence.judged_by)
        _require_use(given)
        said = {name: given[name] for name in ("role", "facet", "note") if name in given}
        if "evidence" in given:
            known = naming.foothold(given["evidence"], actor=person, pointer="/evidence")
            evidence.attach(actor=person, evidence=known, claim=claim, **said)
        else:
            if "content" in given:
                content = given["content"]
            else:
                content = evidence.asked(given["job"], claim=claim, interpretation=given.get("interpretation", ""))
            team = naming.known_team(given["team"], actor=person) if "team" in given else None
            evidence.give(actor=person, claim=claim, team=team, content=content, **said)
        return Response(body(dossiers.foothold(claim.accession, actor=person)), status=201)


class OfNeuron(Endpoint):
    """What is said of a neuron."""

    @operation("list_footholds_of_neuron", shapes.FootholdPage, 404, moves=True)
    def get(self, request: Request, slug: str, layer: str, channel: str) -> Any:
        """List the footholds about it: preferred ones first, then accepted ones, then the newest."""
        place = addresses.neuron(addresses.checkpoint(slug, actor=self.actor), layer, channel)
        if not place.canonical:
            at = f"/api/v1/checkpoints/{slug}/layers/{place.layer.key}/neurons/{place.channel}/footholds"
            return moved(request, at)
        return page(request, dossiers.of_neuron(slug, place.layer.key, place.channel, actor=self.actor))


def _require_use(given: dict[str, Any]) -> None:
    """Refuse what would be read and not used: evidence that is known has its team, and a content its interpretation."""
    idle = {"interpretation"} if "content" in given else {"interpretation", "team"} if "evidence" in given else set()
    errors = [
        {"pointer": f"/{name}", "code": "not-fitting", "detail": "Is not used here."}
        for name in sorted(idle & given.keys())
    ]
    if errors:
        raise Validation(errors=errors)
