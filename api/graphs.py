"""Circuits as graphs: as JSON, or as the file that a program draws, as Accept says."""

from typing import Any

from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from api import shapes
from api.endpoint import Endpoint
from api.schema import operation
from atlas import works
from atlas.dossiers import circuits
from atlas.dossiers.bodies import body
from atlas.graphs import FORMATS, Format
from atlas.graphs.facts import Graph as Drawn

FORMS = {it.media_type: it for it in FORMATS.values()}


def _renderer(form: Format) -> type[BaseRenderer]:
    """For what is text already."""

    def render(self: BaseRenderer, data: str, *args: Any, **kwargs: Any) -> bytes:
        return data.encode()

    members = {"media_type": form.media_type, "format": form.suffix[1:], "charset": "utf-8", "render": render}
    return type(form.name, (BaseRenderer,), {"__doc__": form.name, **members})


class GraphEndpoint(Endpoint):
    """A graph in the form that is asked for."""

    renderer_classes = [JSONRenderer, *(_renderer(it) for it in FORMATS.values())]

    def drawn(self, request: Request, graph: Drawn) -> Response:
        """The graph in that form, and the file's name where it is one."""
        form = FORMS.get(request.accepted_renderer.media_type)  # type: ignore[attr-defined]
        if form is None:
            return Response(body(graph))
        name = f"{graph.accession}.v{graph.version}{form.suffix}"
        return Response(
            form.write(graph, origin=works.origin_of(request._request)),
            headers={"Content-Disposition": f'inline; filename="{name}"'},
        )


class OneGraph(GraphEndpoint):
    """A foothold as a graph."""

    @operation("read_graph", shapes.Graph, 404, 410, forms=tuple(FORMS))
    def get(self, request: Request, accession: str) -> Response:
        """Its neurons, its edges, and what the links on which these rest say today."""
        return self.drawn(request, circuits.graph(accession, actor=self.actor))


class OneVersionGraph(GraphEndpoint):
    """One version of a foothold as a graph."""

    @operation("read_version_graph", shapes.Graph, 404, 410, forms=tuple(FORMS))
    def get(self, request: Request, accession: str, version: str) -> Response:
        """Its neurons, its edges, and what the links on which these rest said then: the same for ever."""
        return self.drawn(request, circuits.graph(accession, actor=self.actor, version=version))
