"""Checkpoints, their layers and their neurons."""

from typing import Any

from django.http import HttpResponsePermanentRedirect
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api import query, shapes
from api.endpoint import PAGED, Endpoint, answers, parameter
from api.pagination import page, window
from atlas.dossiers import checkpoints as dossiers
from atlas.dossiers import neurons
from atlas.dossiers.bodies import body
from atlas.models import Checkpoint
from atlas.permissions import readable
from atlas.services import addresses

ROOT = "/api/v1/checkpoints"


class PermanentRedirect(HttpResponsePermanentRedirect):
    """308: the same request at the canonical address."""

    status_code = 308


class Checkpoints(Endpoint):
    """The checkpoints this reader may see."""

    parameters = {
        **query.PAGING,
        "task": query.one_of(*Checkpoint.Task.values),
        "architecture": query.text,
        "ordering": query.one_of("slug", "-slug"),
    }

    @extend_schema(
        operation_id="list_checkpoints",
        parameters=[
            *PAGED,
            parameter("task", "Only of this task.", enum=Checkpoint.Task.values),
            parameter("architecture", "Only of this architecture.", type=str),
            parameter("ordering", "By slug, ascending or descending.", enum=["slug", "-slug"]),
        ],
        responses=answers(shapes.CheckpointPage),
    )
    def get(self, request: Request) -> Response:
        """List the checkpoints."""
        chosen = {name: self.asked[name] for name in ("task", "architecture") if name in self.asked}
        rows = Checkpoint.objects.filter(readable(self.actor), **chosen).defer("graph", "response_check", "labels")
        by = self.asked.get("ordering", "slug")
        found, after = window(rows, by=by, asked=self.asked, request=request)
        return page(request, dossiers.summarise(found), after=after)


class OneCheckpoint(Endpoint):
    """One checkpoint."""

    @extend_schema(operation_id="read_checkpoint", responses=answers(shapes.Checkpoint))
    def get(self, request: Request, slug: str) -> Response:
        """Its card, identity and layers."""
        return Response(body(dossiers.checkpoint(slug, actor=self.actor)))


class Layers(Endpoint):
    """The layers of a checkpoint."""

    parameters = query.PAGING

    @extend_schema(operation_id="list_layers", parameters=PAGED, responses=answers(shapes.LayerPage))
    def get(self, request: Request, slug: str) -> Response:
        """List the layers in depth order."""
        every = dossiers.layers(addresses.checkpoint(slug, actor=self.actor))
        size, start = (
            self.asked.get("limit", query.DEFAULT_LIMIT),
            query.position(request, self.asked.get("cursor")) or 0,
        )
        stop = start + size
        return page(request, every[start:stop], after=stop if stop < len(every) else None)


class OneLayer(Endpoint):
    """One layer."""

    @extend_schema(operation_id="read_layer", responses=answers(shapes.Layer))
    def get(self, request: Request, slug: str, layer: str) -> Any:
        """Its shape, what one of its neurons sees, and how many have been visualized."""
        checkpoint = addresses.checkpoint(slug, actor=self.actor)
        place = addresses.layer(checkpoint, layer)
        if not place.canonical:
            return PermanentRedirect(f"{ROOT}/{slug}/layers/{place.layer.key}")
        return Response(body(dossiers.layers(checkpoint)[place.layer.index]))


class Neurons(Endpoint):
    """The neurons of a layer."""

    parameters = query.PAGING

    @extend_schema(operation_id="list_neurons", parameters=PAGED, responses=answers(shapes.TilePage))
    def get(self, request: Request, slug: str, layer: str) -> Any:
        """List the neurons by channel, each with its newest feature visualization."""
        checkpoint = addresses.checkpoint(slug, actor=self.actor)
        place = addresses.layer(checkpoint, layer)
        if not place.canonical:
            return PermanentRedirect(f"{ROOT}/{slug}/layers/{place.layer.key}/neurons")
        start = query.position(request, self.asked.get("cursor")) or 0
        stop = min(start + self.asked.get("limit", query.DEFAULT_LIMIT), place.layer.channels)
        tiles = dossiers.tiles(checkpoint, place.layer, start=start, stop=stop)
        return page(request, tiles, after=stop if stop < place.layer.channels else None)


class OneNeuron(Endpoint):
    """One neuron."""

    @extend_schema(operation_id="read_neuron", responses=answers(shapes.Neuron))
    def get(self, request: Request, slug: str, layer: str, channel: str) -> Any:
        """Its story: where it sits, what has been asked of it, and what was found."""
        place = addresses.neuron(addresses.checkpoint(slug, actor=self.actor), layer, channel)
        if not place.canonical:
            return PermanentRedirect(f"{ROOT}/{slug}/layers/{place.layer.key}/neurons/{place.channel}")
        return Response(body(neurons.neuron(slug, layer, channel, actor=self.actor)))
