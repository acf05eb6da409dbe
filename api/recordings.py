"""What was recorded of a neuron over datasets: statistics, histogram and examples."""

from typing import Any

from rest_framework.request import Request

from api import query, shapes
from api.checkpoints import ROOT
from api.endpoint import Endpoint
from api.pagination import page, window
from api.schema import operation
from atlas.dossiers import recordings
from atlas.redirects import moved
from atlas.services import addresses


class OfNeuron(Endpoint):
    """The statistics of a neuron that were recorded."""

    parameters = {**query.PAGING, "dataset": query.text("Only over the dataset with this digest.")}

    @operation("list_statistics", shapes.StatisticsPage, 404, moves=True)
    def get(self, request: Request, slug: str, layer: str, channel: str) -> Any:
        """List what it answers to datasets, newest first, each dataset once: moments, quantiles and examples."""
        checkpoint = addresses.checkpoint(slug, actor=self.actor)
        place = addresses.neuron(checkpoint, layer, channel)
        if not place.canonical:
            return moved(request, f"{ROOT}/{slug}/layers/{place.layer.key}/neurons/{place.channel}/statistics")
        rows = recordings.of_neuron(place, actor=self.actor, dataset=self.asked.get("dataset"))
        found, after = window(rows, by="-id", asked=self.asked, request=request)
        return page(request, recordings.facts(row.pk for row in found), after=after)
