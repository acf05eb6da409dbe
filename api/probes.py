"""The probes that workers have published."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api import shapes
from api.endpoint import Endpoint, answers
from api.pagination import page
from atlas.dossiers import neurons
from atlas.dossiers.bodies import body
from atlas.errors import NoSuchAddress
from atlas.models import ProbeKind


class Probes(Endpoint):
    """What can be asked."""

    @extend_schema(operation_id="list_probes", responses=answers(shapes.ProbePage))
    def get(self, request: Request) -> Response:
        """List the newest version of every probe, with the JSON Schema of its parameters."""
        return page(request, neurons.probes())


class OneProbe(Endpoint):
    """One probe."""

    @extend_schema(operation_id="read_probe", responses=answers(shapes.Probe))
    def get(self, request: Request, name: str) -> Response:
        """Its newest version."""
        kind = ProbeKind.objects.filter(name=name).order_by("-version").first()
        if kind is None:
            raise NoSuchAddress(address=request.path[:200])
        return Response(body(neurons.probe_facts(kind)))
