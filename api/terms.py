"""The vocabulary."""

from rest_framework.request import Request
from rest_framework.response import Response

from api import naming, query, shapes
from api.conditions import version_seen
from api.endpoint import Endpoint
from api.idempotency import idempotent
from api.pagination import page, window
from api.schema import Written, operation
from atlas.dossiers import terms as dossiers
from atlas.dossiers.bodies import body
from atlas.permissions import require
from atlas.services import terms
from atlas.validation import closed

LABEL = {"type": "string", "minLength": 1, "maxLength": 80, "description": "As people read it."}
SLUG = {"type": "string", "minLength": 1, "maxLength": 40, "description": "Its name in addresses, for ever."}
WORDS = {
    "definition": {"type": "string", "maxLength": 1_000, "description": "What it means; Markdown."},
    "synonyms": {"type": "array", "maxItems": 20, "items": {"type": "string", "maxLength": 80}},
}


class WantedTerm(Written):
    """A word that is made."""

    judged_by = closed("A new term.", slug=SLUG, label=LABEL, optional={**WORDS, "broader": SLUG})


class RenamedTerm(Written):
    """A word's new label."""

    judged_by = closed("Another label and meaning; the old label stays as a synonym.", label=LABEL, optional=WORDS)


class MergedTerm(Written):
    """What a word is merged into."""

    judged_by = closed("Another term, which means the same.", into=SLUG)


class Terms(Endpoint):
    """The vocabulary."""

    parameters = query.PAGING

    @operation("list_terms", shapes.TermPage)
    def get(self, request: Request) -> Response:
        """List the terms by slug, merged ones too."""
        found, after = window(dossiers.every(), by="slug", asked=self.asked, request=request)
        return page(request, [dossiers.facts_of(row) for row in found], after=after)

    @operation("create_term", shapes.Term, codes=(201,), given=WantedTerm, writes=True)
    @idempotent
    def post(self, request: Request) -> Response:
        """Add a word."""
        person = self.person
        require(person, "term.create", None)
        given = self.given(WantedTerm.judged_by)
        broader = naming.term(given.pop("broader"), pointer="/broader") if "broader" in given else None
        made = terms.create(actor=person, broader=broader, **given)
        place = {"Location": f"/api/v1/terms/{made.slug}"}
        return Response(body(dossiers.term(made.slug)), status=201, headers=place)


class OneTerm(Endpoint):
    """One term."""

    @operation("read_term", shapes.Term, 404)
    def get(self, request: Request, term: str) -> Response:
        """What it means, and what it was merged into."""
        return Response(body(dossiers.term(term)))

    @operation("rename_term", shapes.Term, 404, 412, 428, given=RenamedTerm, writes=True)
    def patch(self, request: Request, term: str) -> Response:
        """Give it another label; its slug stays. If-Match names the version I saw."""
        person, row = self.person, terms.find(term)
        require(person, "term.curate", row)
        seen, given = version_seen(request, current=row.version_tag), self.given(RenamedTerm.judged_by)
        words = {"definition": row.definition, "synonyms": row.synonyms, **given}
        terms.rename(actor=person, term=row, based_on=seen, **words)
        return Response(body(dossiers.term(term)))


class MergeTerm(Endpoint):
    """The end of a word that means the same as another."""

    @operation("merge_term", shapes.Term, 404, given=MergedTerm, writes=True)
    def post(self, request: Request, term: str) -> Response:
        """Merge it into another: what uses it is found there, and its address leads there."""
        person, row = self.person, terms.find(term)
        require(person, "term.curate", row)
        into = naming.term(self.given(MergedTerm.judged_by)["into"], pointer="/into")
        terms.merge(actor=person, term=row, into=into)
        return Response(body(dossiers.term(term)))
