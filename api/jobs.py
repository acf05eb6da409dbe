"""Questions: asked, followed, withdrawn and queued again; and the requests that asked them."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import OpenApiExample
from rest_framework.request import Request
from rest_framework.response import Response

from api import query, shapes
from api.endpoint import Endpoint
from api.idempotency import idempotent
from api.pagination import page, window
from api.schema import Written, operation
from api.waiting import waiting
from atlas.dossiers import jobs as dossiers
from atlas.dossiers import requests
from atlas.dossiers.bodies import body
from atlas.models import Contributor, Job
from atlas.permissions import readable_jobs
from atlas.services import addresses, jobs
from atlas.services.questions import MOST_SUBJECTS, SUBJECT, ask, asked_of

ASKED: Mapping[str, Any] = {
    "type": "object",
    "description": "A question about one subject, or about several.",
    "additionalProperties": False,
    "required": ["checkpoint", "probe"],
    "oneOf": [{"required": ["subject"]}, {"required": ["subjects"]}],
    "properties": {
        "checkpoint": {"type": "string", "maxLength": 200, "description": "A slug."},
        "probe": {"type": "string", "maxLength": 200, "description": "A name from the catalogue."},
        "subject": SUBJECT,
        "subjects": {"type": "array", "minItems": 1, "maxItems": MOST_SUBJECTS, "items": SUBJECT},
        "site": {
            "type": "string",
            "maxLength": 40,
            "description": "An activation site; where the probe reads by default.",
        },
        "params": {"type": "object", "description": "What the probe's own schema describes."},
    },
}


class Question(Written):
    """What is asked."""

    judged_by = ASKED


def _example(name: str, **asked: Any) -> OpenApiExample:
    value = {"checkpoint": "curve-circuit", "probe": "feature-visualization", **asked}
    return OpenApiExample(name, value, request_only=True)


EXAMPLES = [
    _example("One neuron", subject="curve:0", params={"size": 64, "steps": 64}),
    _example(
        "A weighted sum of neurons",
        subject=[{"unit": "curve:0", "weight": 1}, {"unit": "curve:1", "weight": -0.5}],
        params={"size": 64, "steps": 64, "polarity": "positive"},
    ),
    _example("Several neurons", subjects=["curve:0", "curve:1"]),
    _example("A whole layer", subject={"layer": "curve"}),
]


class Jobs(Endpoint):
    """Questions, newest first."""

    parameters = {
        **query.PAGING,
        "checkpoint": query.text("Only about this checkpoint, by slug."),
        "probe": query.text("Only of this probe."),
        "unit": query.text("Only about this unit, as layer:channel."),
        "state": query.one_of("Only in this state.", *Job.State.values),
        "ordering": query.one_of("By age: newest first, -created, unless asked otherwise.", "created", "-created"),
    }
    counted = {"POST": "compute"}

    @operation("list_jobs", shapes.JobPage)
    def get(self, request: Request) -> Response:
        """List the questions."""
        columns = {"checkpoint": "checkpoint__slug", "probe": "probe__name", "unit": "subject_text", "state": "state"}
        chosen = {column: self.asked[name] for name, column in columns.items() if name in self.asked}
        rows = dossiers.with_answer(Job.objects.filter(readable_jobs(self.actor), **chosen))
        by = self.asked.get("ordering", "-created").replace("created", "id")
        found, after = window(rows, by=by, asked=self.asked, request=request)
        return page(request, [dossiers.facts_of(row) for row in found], after=after)

    @operation("ask", shapes.Asked, codes=(200, 202), given=Question, examples=EXAMPLES, writes=True, waits=True)
    @waiting
    @idempotent
    def post(self, request: Request) -> Response:
        """Ask. 202 when something new is to be computed, 200 when all of it is known; `Location` says where to look.

        A `subject` that is one unit or one sum answers with its job; `subjects`, and a whole layer, answer with the
        request that holds their jobs.
        """
        person, given = self.person, self.given(ASKED)
        checkpoint = addresses.readable_by(person, given["checkpoint"], pointer="/checkpoint")
        subjects, many = asked_of(checkpoint, given)
        questions = ask(
            checkpoint=checkpoint,
            probe=given["probe"],
            subjects=subjects,
            site=given.get("site"),
            params=given.get("params", {}),
            many=many,
        )
        answer = jobs.request(actor=person, checkpoint=checkpoint, questions=questions, bulk=many)
        return _answered(answer, many=many, actor=person)


def _answered(answer: jobs.Asked, *, many: bool, actor: Contributor) -> Response:
    if many:
        place = f"/api/v1/requests/{answer.request.id}"
        found: Any = requests.request(str(answer.request.id), actor=actor)
    else:
        [job] = answer.jobs
        place, found = f"/api/v1/jobs/{job.fingerprint}", dossiers.job(job.fingerprint, actor=actor)
    return Response(body(found), status=202 if answer.new else 200, headers={"Location": place})


class OneJob(Endpoint):
    """One question."""

    @operation("read_job", shapes.Job, 404, waits=True)
    @waiting
    def get(self, request: Request, fingerprint: str) -> Response:
        """Where it stands, how far it is, and its answer."""
        return Response(body(dossiers.job(fingerprint, actor=self.actor)))


class Cancel(Endpoint):
    """A wish withdrawn."""

    @operation("cancel_job", shapes.Job, 404, 409, writes=True)
    def post(self, request: Request, fingerprint: str) -> Response:
        """Withdraw my wish; the job stops when nobody else asked for it."""
        person, _ = self.person, self.given()
        jobs.cancel(actor=person, job=jobs.find(fingerprint, actor=person))
        return Response(body(dossiers.job(fingerprint, actor=person)))


class Requeue(Endpoint):
    """Another try."""

    @operation("requeue_job", shapes.Job, 404, 409, writes=True)
    def post(self, request: Request, fingerprint: str) -> Response:
        """Queue a failed or quarantined job again, once its cause has been mended."""
        person, _ = self.person, self.given()
        jobs.requeue(actor=person, job=jobs.find(fingerprint, actor=person))
        return Response(body(dossiers.job(fingerprint, actor=person)))


class OneRequest(Endpoint):
    """What somebody asked for at once."""

    @operation("read_request", shapes.Request, 404)
    def get(self, request: Request, request_id: str) -> Response:
        """Its jobs and how many have ended."""
        return Response(body(requests.request(request_id, actor=self.actor)))
