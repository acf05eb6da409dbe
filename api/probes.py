"""The probes that workers have published."""

from rest_framework.request import Request
from rest_framework.response import Response

from api import query, shapes
from api.endpoint import Endpoint
from api.pagination import page, span
from api.schema import operation
from atlas.dossiers import neurons
from atlas.dossiers.bodies import body
from atlas.errors import NoSuchAddress
from atlas.models import ProbeKind


class Probes(Endpoint):
    """What can be asked."""

    parameters = query.PAGING

    @operation("list_probes", shapes.ProbePage)
    def get(self, request: Request) -> Response:
        """List the newest version of every probe, with the JSON Schema of its parameters."""
        every = neurons.probes()
        start, stop, after = span(len(every), asked=self.asked, request=request)
        return page(request, every[start:stop], after=after)


class OneProbe(Endpoint):
    """One probe."""

    @operation("read_probe", shapes.Probe, 404)
    def get(self, request: Request, name: str) -> Response:
        """Its newest version."""
        kind = ProbeKind.objects.filter(name=name).order_by("-version").first()
        if kind is None:
            raise NoSuchAddress(address=request.path[:200])
        return Response(body(neurons.probe_facts(kind)))
