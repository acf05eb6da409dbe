"""The OpenAPI document is current, complete, reachable in all it says, and readable as pages."""

import dataclasses
import json
from contextlib import ExitStack

import pytest
import yaml
from django.conf import settings
from django.test import override_settings
from drf_spectacular.drainage import GENERATOR_STATS, reset_generator_stats
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer
from jsonschema import Draft202012Validator

from api import events, urls
from api.jobs import ASKED
from atlas import validation
from atlas.models import Foothold, Import, Membership, Role, Team, Term
from atlas.services import catalog, checkpoints, footholds, people, pictures, teams
from atlas.services.checkpoints import LayerFacts
from tests import archived, importing
from tests.api import contract
from tests.api.conftest import ROOT, Api, claim_of, question
from tests.api.doors import GOOD
from tests.api.routes import allowed
from tests.api.test_asking import WRONG
from tests.api.test_every_route import UNLISTED
from tests.api.test_matrix import named
from tests.api.uploading import ABSENT, MULTIPART, PICTURE, form
from tests.claims import PREDICTION, RATIONALE, WORD, revise
from tests.conftest import registration

OPERATIONS = {operation["operationId"]: (template, method) for template, method, operation in contract.operations()}
EXAMPLES = contract.document()["paths"][f"{ROOT}/jobs"]["post"]["requestBody"]["content"]["application/json"][
    "examples"
]


def test_the_checked_in_file_is_current():
    """`make schema` writes it, and would not if there were anything to warn of."""
    reset_generator_stats()
    generated = SchemaGenerator().get_schema(request=None, public=True)
    assert not GENERATOR_STATS, [*GENERATOR_STATS._warn_cache, *GENERATOR_STATS._error_cache]
    assert OpenApiYamlRenderer().render(generated, renderer_context={}).decode() == contract.FILE.read_text()


def test_every_method_of_every_route_is_documented():
    routes = [str(route.pattern) for route in urls.urlpatterns]
    expected = {
        (f"{ROOT}/{route.replace('<str:', '{').replace('>', '}')}", method)
        for route in routes
        if route not in UNLISTED
        for method in allowed(route)
    }
    assert set(OPERATIONS.values()) == expected
    assert len(OPERATIONS) == len(expected)


def test_every_component_is_used_and_said():
    schemas = contract.document()["components"]["schemas"]
    text = contract.FILE.read_text()
    assert [name for name in schemas if f"#/components/schemas/{name}'" not in text] == []
    assert [name for name, schema in schemas.items() if "description" not in schema and "oneOf" not in schema] == []
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)


def test_the_document_is_served_in_both_forms(db, anybody):
    served = anybody.get("schema")
    assert yaml.safe_load(served.content) == contract.document()
    assert served["Content-Type"].startswith("application/vnd.oai.openapi")
    assert anybody.get("schema", headers={"Accept": "application/json"}).json() == contract.document()
    assert anybody.get("schema", headers={"If-None-Match": served["ETag"]}).status_code == 304


def test_the_pages_load_nothing_inline_and_nothing_from_elsewhere(db, anybody, client):
    page = anybody.get("docs", headers={"Accept": "text/html"})
    assert "script-src 'self';" in page["Content-Security-Policy"]
    html = page.content.decode()
    links = [part.split('"')[0] for name in ("src", "href") for part in html.split(f' {name}="')[1:]]
    assert len(links) == 5
    assert all(link.startswith(("/static/", "/api/v1/docs?script=")) for link in links), links
    assert html.count("<script") == html.count("<script src=") == 3
    script = anybody.get("docs?script=")
    assert (script["Content-Type"], f"{ROOT}/schema".encode() in script.content) == ("application/javascript", True)
    assert anybody.get("docs?script=alert(1)").status_code == 400


# --- every documented answer can be had -------------------------------------------------------------------------------
HEAVY = b" " * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
WAYS = {
    304: lambda it: it.api.ask(it.method, it.path, headers={"If-None-Match": it.api.get(it.path)["ETag"]}),
    308: lambda it: it.api.get(it.otherwise_spelled),
    400: lambda it: it.api.ask(it.method, f"{it.path}?colour=red", it.body),
    401: lambda it: it.anybody.ask(it.method, it.path, it.body, headers={"Authorization": "Bearer fh_none"}),
    403: lambda it: it.newcomer.ask(it.method, it.path, it.body),
    404: lambda it: it.api.ask(it.method, it.nowhere, it.body),
    406: lambda it: it.api.ask(it.method, it.path, it.body, headers={"Accept": "image/png"}),
    412: lambda it: it.api.ask(it.method, it.path, it.stale, headers={"If-Match": '"stale.0"'}),
    413: lambda it: it.api.ask(it.method, it.path, HEAVY, headers=it.headers),
    415: lambda it: it.api.ask(it.method, it.path, it.body or {}, content_type="text/plain", headers=it.headers),
    410: lambda it: it.after_a_moderator(),
    422: lambda it: it.api.ask(it.method, it.path, [1], headers=it.headers),
    428: lambda it: it.api.ask(it.method, it.path, it.body),
    429: lambda it: it.too_often(),
    503: lambda it: it.when_all_is_taken(),
}
UPLOADING = {
    413: lambda it: it.api.send(form(card=HEAVY.decode())),
    415: lambda it: it.api.send(b"{}", content_type="application/json"),
    422: lambda it: it.api.send(form(slug=ABSENT)),
}
PICTURING = {
    413: lambda it: it.api.ask("POST", it.path, b"x" * (pictures.LARGEST + 1), content_type="image/png"),
    415: lambda it: it.api.ask("POST", it.path, b"GIF89a", content_type="image/gif"),
    422: lambda it: it.api.ask("POST", it.path, PICTURE[:-20], content_type="image/png"),
}
IMPORTING = {
    413: lambda it: it.api.ask("POST", it.path, importing.form(file=b" " * (2 << 20)), headers=it.headers),
    415: lambda it: it.api.ask("POST", it.path, b"{}"),
    422: lambda it: it.api.ask("POST", it.path, importing.form(source=ABSENT), headers=it.headers),
}
ADDING = {
    413: lambda it: it.api.ask("POST", it.path, archived.form(licence=HEAVY.decode()), headers=it.headers),
    415: lambda it: it.api.ask("POST", it.path, b"{}"),
    422: lambda it: it.api.ask("POST", it.path, archived.form(slug=ABSENT), headers=it.headers),
}
SENDING = {"upload_checkpoint": UPLOADING, "stage_import": IMPORTING, "add_dataset": ADDING}
DONE = (200, 201, 202, 204)
BODIES = {
    "create_foothold": GOOD["footholds", "POST"],
    "revise_foothold": {"content": {"title": "Another title"}},
    "give_evidence": {"content": WORD},
    "review_foothold": {"version": 2, "verdict": "agree"},
    "retract_foothold": {"reason": "Made up."},
    "rank_foothold": {"rank": "preferred"},
    "moderate_foothold": {"to": "hidden", "reason": "An advertisement."},
    "restore_foothold": {"version": 1, "based_on": 2},
    "resolve_foothold": {"outcome": "upheld", "rationale": RATIONALE},
    "write_comment": {"body": "So it is.", "reply_to": 1},
    "edit_comment": {"body": "So it is not."},
    "moderate_comment": {"to": "hidden", "reason": "An advertisement."},
    "watch_foothold": {"level": "mute"},
    "read_notifications": {"ids": [1, 2]},
    "create_term": {"slug": "arc", "label": "arc"},
    "rename_term": {"label": "Curve"},
    "merge_term": {"into": "bend"},
    "save_search": {"name": "Lines", "query": "line OR edge"},
    "keep_unsaved": {"item": "new:link", "content": {"source": "edges:1"}},
    "edit_checkpoint": {"title": "Another title"},
    "upload_checkpoint": form(),
    "upload_artifact": PICTURE,
    "stage_import": importing.form(),
    "add_dataset": archived.form(),
    "ask": question(subject="edges:3"),
    "create_token": {"name": "script", "scopes": ["read"]},
    "found_team": {"slug": "newest", "name": "The newest", "admin": "carol"},
    "invite": {"role": "reader"},
    "edit_team": {"name": "Another name", "blind_review": True},
    "set_role": {"role": "annotator"},
}


class Asked:
    """An operation, and all that its answers depend on."""

    def __init__(self, name, world, api, anybody, newcomer):
        template, self.method = OPERATIONS[name]
        self.api, self.anybody, self.newcomer = api, anybody, newcomer
        self.path = template.format(**world.places)
        nothing = dict.fromkeys(world.places, "none") | {"channel": "99"}
        self.nowhere = template.format(**nothing)
        self.body = BODIES.get(name, None if self.method in ("GET", "DELETE") else {})
        if name == "join_team":
            team = Team.objects.get(slug="circle")
            self.body = {"invitation": teams.invite(actor=None, team=team, role=Role.READER)[1]}
        tags = {"edit_team": Team.objects.get(slug="circle").version_tag}
        tags["set_role"] = Membership.objects.get(contributor__handle="carol", team__slug="circle").version_tag
        self._prepare(name, world.foothold)
        tags |= {"revise_foothold": f"{world.foothold.accession}.2", "rename_term": "curve.1"}
        tags["edit_comment"] = f"{world.foothold.accession}.c1.1"
        tags["edit_checkpoint"] = world.checkpoint.version_tag
        self.headers = {"If-Match": f'"{tags[name]}"'} if name in tags else {}
        self.headers |= {"Content-Type": MULTIPART} if name == "upload_checkpoint" else {}
        self.headers |= {"Content-Type": "image/png"} if name == "upload_artifact" else {}
        self.headers |= {"Content-Type": MULTIPART} if name in SENDING else {}

    def _prepare(self, name, claim):
        """The claim as the verbs need it, and who may do what an operator may not."""
        rows = Foothold.objects.filter(pk=claim.pk)
        if name in ("propose_foothold", "resolve_foothold"):
            rows.update(**({"standing": "draft"} if name.startswith("propose") else {"state": "disputed"}))
        if name in ("review_foothold", "recant_review"):
            Membership.objects.create(
                team=Team.objects.get(slug="circle"), contributor=named("operator"), role=Role.REVIEWER
            )
        if name == "reinstate_foothold":
            footholds.withdraw(actor=claim.created_by, foothold=claim)
        own = ("withdraw_foothold", "reinstate_foothold", "discard_unsaved")
        own += ("edit_comment", "remove_comment", "put_back_comment")
        if name in (*own, "read_search", "see_search", "remove_search"):
            self.api = Api(claim.created_by.login)
        if name == "test_foothold":
            revise(claim, claim.created_by, predictions=[PREDICTION])
        if name in ("undo_import", "redo_import"):
            Import.objects.update(state="committed" if name.startswith("undo") else "undone")
        if name == "merge_foothold":
            other = claim_of(claim.created_by, claim.checkpoint, claim.team)
            self.body = {"into": other.accession, "reason": "The same."}
        if name == "detach_foothold":
            self.body = {"evidence": claim.support.get().evidence.accession, "role": "supports"}
        Term.objects.get_or_create(slug="bend", defaults={"label": "bend"})

    @property
    def otherwise_spelled(self):
        """Its address as some people write it."""
        if "/footholds/" in self.path:
            return f"{ROOT}/{self.path.removeprefix(f'{ROOT}/').lower()}"
        return self.path.replace("/edges", "/mixed_5x5")

    @property
    def stale(self):
        """A body on an older version, where it is the body that names one."""
        older = {name: 1 for name in ("version", "based_on") if name in (self.body or {})}
        return {**(self.body or {}), **older}

    def after_a_moderator(self):
        """The answer about a claim that was taken away, for who may not see it any more."""
        rows = Foothold.objects.filter(accession__in=self.path.split("/"))
        [stood] = rows.values("standing", "moderation")
        rows.update(moderation="spam", standing="open")
        passer_by = Api(people.join(username="passer-by", password="correct horse battery"))
        answer = passer_by.ask(self.method, self.path, self.body, headers=self.headers)
        rows.update(**stood)
        return answer

    def when_all_is_taken(self):
        """The answer while others hold all there is."""
        with ExitStack() as held:
            for place in range(events.MOST):
                events.places.take(f"user:other-{place}")
                held.callback(events.places.give_back, f"user:other-{place}")
            return self.api.ask(self.method, self.path)

    def too_often(self):
        """The answer to a request that is one too many."""
        with override_settings(RATES=dict.fromkeys(settings.RATES, 0)):
            answer = self.api.ask(self.method, self.path, self.body, headers=self.headers)
        assert int(answer["Retry-After"]) in range(1, 61)
        return answer


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_documented_answer_can_be_had(name, world, registering, as_operator, anybody, as_newcomer):
    """Each client holds the answer against the document as well."""
    asked = Asked(name, world, as_operator, anybody, as_newcomer)
    template, method = OPERATIONS[name]
    responses = contract.document()["paths"][template][method.lower()]["responses"]
    promised = [int(code) for code in responses if code != "default"]  # that one is for test_shortages.py
    refused = [code for code in promised if code not in (*DONE, 409)]
    ways = WAYS | {**SENDING, "upload_artifact": PICTURING}.get(name, {})
    assert [ways[code](asked).status_code for code in refused] == refused
    if name == "requeue_job":  # it still waits, then it is withdrawn, then somebody asks again
        assert as_operator.post(asked.path, {}).status_code == 409
        world.queued.__class__.objects.filter(pk=world.queued.pk).update(state="quarantined")
    assert asked.api.ask(method, asked.path, asked.body, headers=asked.headers).status_code in set(promised) & {*DONE}
    if name in ("ask", "upload_checkpoint"):
        assert as_operator.post(asked.path, asked.body, headers=asked.headers).status_code == 200
    if name == "cancel_job":
        assert as_operator.post(asked.path.replace(world.queued.fingerprint, world.done.fingerprint)).status_code == 409


def test_every_example_is_understood_as_it_stands(db, as_alice):
    """On the layers of the checkpoint that ships, as its card names them, by the probe as it is published."""
    from workers import translate
    from workers.interp.probes import PROBES

    folder = settings.BASE_DIR / "workers" / "organisms" / "curve-circuit"
    card = checkpoints.read_card(json.loads((folder / "card.json").read_text()))
    layers = [
        LayerFacts(key, "conv", len(named), [1, 1], [9, 9], [32, 32], ["pre_relu", "post_relu"])
        for key, named in card["units"].items()
    ]
    facts = dataclasses.replace(registration(), layers=layers, aliases=[])
    checkpoints.register(
        actor=None, slug="curve-circuit", facts=facts, card=card, weights=folder / "weights.safetensors"
    )
    for probe in PROBES.values():
        catalog.publish(**translate.kind(probe))
    said = {name: as_alice.post("jobs", it["value"]).status_code for name, it in EXAMPLES.items()}
    assert said == dict.fromkeys(EXAMPLES, 202)


def test_the_documented_body_is_what_judges():
    documented = contract.document()["components"]["schemas"]["Question"]
    assert documented == json.loads(json.dumps(ASKED))
    judge = Draft202012Validator(documented)
    assert {str(body) for body, *_ in WRONG if validation.faults(body, dict(ASKED))} == {
        str(body) for body, *_ in WRONG if not judge.is_valid(body)
    }
