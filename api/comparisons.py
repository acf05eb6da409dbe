"""Two neurons beside each other, for scripts."""

import re
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from api import shapes
from api.checkpoints import ROOT
from api.endpoint import Endpoint
from api.schema import operation
from atlas.dossiers.bodies import body
from atlas.dossiers.comparisons import comparison
from atlas.errors import NoSuchAddress
from atlas.redirects import moved
from atlas.services import addresses

OTHER = re.compile(
    rf"(?:(?P<slug>[a-z0-9][a-z0-9-]{{1,39}}):)?(?P<layer>{addresses.NAME.pattern}):(?P<channel>[0-9]{{1,9}})"
)


class Compare(Endpoint):
    """A neuron beside another one."""

    @operation("compare_neurons", shapes.Comparison, 404, moves=True)
    def get(self, request: Request, slug: str, layer: str, channel: str, other: str) -> Any:
        """What both listen to and feed, how alike they were measured to be, and their answers to the same stimuli."""
        place = addresses.neuron(addresses.checkpoint(slug, actor=self.actor), layer, channel)
        if not place.canonical:
            return moved(request, f"{ROOT}/{slug}/layers/{place.layer.key}/neurons/{place.channel}/compare/{other}")
        found = OTHER.fullmatch(other)
        if found is None:
            raise NoSuchAddress(address=request.path[:200])
        beside = (found["slug"] or slug, found["layer"], found["channel"])
        return Response(body(comparison((slug, layer, channel), beside, actor=self.actor)))
