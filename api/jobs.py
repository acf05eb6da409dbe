"""Questions: asked, followed, withdrawn and queued again; and the requests that asked them."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api import query, shapes
from api.endpoint import PAGED, Endpoint, answers, parameter
from api.pagination import page, window
from atlas import validation
from atlas.dossiers import jobs as dossiers
from atlas.dossiers import requests
from atlas.dossiers.bodies import body
from atlas.errors import Validation
from atlas.models import Job
from atlas.permissions import readable
from atlas.services import addresses, jobs
from atlas.services.questions import ask, asked_of

ASKED: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["checkpoint", "probe"],
    "properties": {
        "checkpoint": {"type": "string", "maxLength": 200},
        "probe": {"type": "string", "maxLength": 200},
        "subject": {},
        "subjects": {"type": "array", "minItems": 1, "maxItems": 2000},
        "site": {"type": "string", "maxLength": 40},
        "params": {"type": "object"},
    },
}


class AskedShape(serializers.Serializer):
    """A question about one subject, or about several."""

    checkpoint = serializers.CharField(help_text="A slug.")
    probe = serializers.CharField(help_text="A name from the catalogue.")
    subject = serializers.JSONField(
        required=False,
        help_text='`"layer:channel"`, a weighted sum `[{"unit": "layer:channel", "weight": 0.7}, …]`, '
        'or all units of a layer, `{"layer": "…"}`.',
    )
    subjects = serializers.ListField(child=serializers.JSONField(), required=False, help_text="Several of these.")
    site = serializers.CharField(required=False, help_text="An activation site; the probe's own by default.")
    params = serializers.DictField(child=serializers.JSONField(), required=False, help_text="By the probe's schema.")


EXAMPLE = OpenApiExample(
    "One neuron",
    {
        "checkpoint": "curve-circuit",
        "probe": "feature-visualization",
        "subject": "curve:0",
        "params": {"size": 64, "steps": 64},
    },
    request_only=True,
)


class Jobs(Endpoint):
    """Questions, newest first."""

    parameters = {
        **query.PAGING,
        "checkpoint": query.text,
        "probe": query.text,
        "unit": query.text,
        "state": query.one_of(*Job.State.values),
        "ordering": query.one_of("created", "-created"),
    }

    @extend_schema(
        operation_id="list_jobs",
        parameters=[
            *PAGED,
            parameter("checkpoint", "Only about this checkpoint, by slug.", type=str),
            parameter("probe", "Only of this probe.", type=str),
            parameter("unit", "Only about this unit, as layer:channel.", type=str),
            parameter("state", "Only in this state.", enum=Job.State.values),
            parameter(
                "ordering", "By age; -created, newest first, unless asked otherwise.", enum=["created", "-created"]
            ),
        ],
        responses=answers(shapes.JobPage),
    )
    def get(self, request: Request) -> Response:
        """List the questions."""
        columns = {"checkpoint": "checkpoint__slug", "probe": "probe__name", "unit": "subject_text", "state": "state"}
        chosen = {column: self.asked[name] for name, column in columns.items() if name in self.asked}
        rows = dossiers.with_answer(Job.objects.filter(readable(self.actor, "checkpoint__"), **chosen))
        by = self.asked.get("ordering", "-created").replace("created", "id")
        found, after = window(rows, by=by, asked=self.asked, request=request)
        return page(request, [dossiers.facts_of(row) for row in found], after=after)

    @extend_schema(
        operation_id="ask",
        request=AskedShape,
        examples=[EXAMPLE],
        responses={
            **answers(shapes.Job, 401, 403, 413, 415, 422),
            **answers(shapes.Job, 401, 403, 413, 415, 422, code=202),
        },
    )
    def post(self, request: Request) -> Response:
        """Ask. 202 when something new is to be computed, 200 when all of it is known; `Location` says where to look.

        One subject answers with its job, several with the request that holds their jobs.
        """
        given = request.data
        errors = validation.faults(given, ASKED)
        if not errors and ("subject" in given) == ("subjects" in given):
            errors = [{"pointer": "/subject", "code": "required", "detail": "Give either subject or subjects."}]
        if errors:
            raise Validation(errors=errors)
        checkpoint = addresses.readable_by(self.actor, given["checkpoint"], pointer="/checkpoint")
        subjects, many = asked_of(checkpoint, given)
        questions = ask(
            checkpoint=checkpoint,
            probe=given["probe"],
            subjects=subjects,
            site=given.get("site"),
            params=given.get("params", {}),
            many=many,
        )
        answer = jobs.request(actor=self.actor, checkpoint=checkpoint, questions=questions, bulk=many)
        return _answered(answer, actor=self.actor)


def _answered(answer: jobs.Asked, *, actor: Any) -> Response:
    status = 202 if answer.new else 200
    if len(answer.jobs) == 1:
        [job] = answer.jobs
        return Response(
            body(dossiers.job(job.fingerprint, actor=actor)),
            status=status,
            headers={"Location": f"/api/v1/jobs/{job.fingerprint}"},
        )
    found = requests.request(str(answer.request.id), actor=actor)
    return Response(body(found), status=status, headers={"Location": f"/api/v1/requests/{answer.request.id}"})


class OneJob(Endpoint):
    """One question."""

    @extend_schema(operation_id="read_job", responses=answers(shapes.Job))
    def get(self, request: Request, fingerprint: str) -> Response:
        """Where it stands, how far it is, and its answer."""
        return Response(body(dossiers.job(fingerprint, actor=self.actor)))


class Cancel(Endpoint):
    """A wish withdrawn."""

    @extend_schema(operation_id="cancel_job", request=None, responses=answers(shapes.Job, 401, 403, 409))
    def post(self, request: Request, fingerprint: str) -> Response:
        """Withdraw my wish; the job stops when nobody else asked for it."""
        jobs.cancel(actor=self.actor, job=jobs.find(fingerprint, actor=self.actor))
        return Response(body(dossiers.job(fingerprint, actor=self.actor)))


class Requeue(Endpoint):
    """Another try."""

    @extend_schema(operation_id="requeue_job", request=None, responses=answers(shapes.Job, 401, 403, 409))
    def post(self, request: Request, fingerprint: str) -> Response:
        """Queue a failed or quarantined job again, once its cause has been mended."""
        jobs.requeue(actor=self.actor, job=jobs.find(fingerprint, actor=self.actor))
        return Response(body(dossiers.job(fingerprint, actor=self.actor)))


class OneRequest(Endpoint):
    """What somebody asked for at once."""

    @extend_schema(operation_id="read_request", responses=answers(shapes.Request))
    def get(self, request: Request, request_id: str) -> Response:
        """Its jobs and how many have ended."""
        return Response(body(requests.request(request_id, actor=self.actor)))
