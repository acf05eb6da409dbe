"""Measured connections: what a neuron listens to and what listens to it, the strongest first."""

from typing import Any

from rest_framework.request import Request

from api import query, shapes
from api.checkpoints import ROOT
from api.endpoint import Endpoint
from api.pagination import page, ranked
from api.schema import operation
from atlas.dossiers import connections
from atlas.errors import BadParameter, NoSuchLayer
from atlas.models import Checkpoint, Layer
from atlas.redirects import moved
from atlas.services import addresses


class OfNeuron(Endpoint):
    """The connections of a neuron that were measured."""

    parameters = {
        **query.PAGING,
        "direction": query.one_of("What it listens to, or what listens to it; without, both.", *connections.DIRECTIONS),
        "kind": query.one_of("Only of this kind.", "expanded", "best-case", "raw", "expected"),
        "layer": query.text("Only with neurons of this layer."),
        "ordering": query.one_of("By norm, the strongest first (the default) or last.", "-norm", "norm"),
    }

    @operation("list_connections", shapes.ConnectionPage, 404, moves=True)
    def get(self, request: Request, slug: str, layer: str, channel: str) -> Any:
        """List what findings measured of its weights, each edge and kind once, by the newest finding."""
        checkpoint = addresses.checkpoint(slug, actor=self.actor)
        place = addresses.neuron(checkpoint, layer, channel)
        if not place.canonical:
            return moved(request, f"{ROOT}/{slug}/layers/{place.layer.key}/neurons/{place.channel}/connections")
        asked = {name: self.asked.get(name) for name in ("direction", "kind")}
        rows = connections.of_neuron(place, actor=self.actor, layer=self._other(checkpoint), **asked)
        by = self.asked.get("ordering", "-norm")
        found, after = ranked(connections.with_ends(rows), by=by, asked=self.asked, request=request)
        return page(request, connections.facts(found), after=after)

    def _other(self, checkpoint: Checkpoint) -> Layer | None:
        """The layer of the other ends."""
        if "layer" not in self.asked:
            return None
        try:
            return addresses.layer(checkpoint, self.asked["layer"]).layer
        except NoSuchLayer as error:
            raise BadParameter(parameter="layer", reason=str(error)) from None
