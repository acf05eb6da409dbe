"""What I want to hear of, and what I was told."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from api import query, shapes
from api.endpoint import Endpoint
from api.pagination import page, window
from api.schema import Written, operation
from atlas.dossiers import notifications as dossiers
from atlas.dossiers.bodies import body
from atlas.models import Neuron, Watch
from atlas.permissions import require
from atlas.services import addresses, footholds, notifications, watches
from atlas.validation import closed

IDS = {"type": "array", "minItems": 1, "maxItems": 200, "uniqueItems": True}
ID = {"type": "integer", "minimum": 1, "maximum": 10**11}


class WantedWatch(Written):
    """How much I want to hear."""

    judged_by = closed(
        "How much I want to hear of it.",
        level={"type": "string", "enum": Watch.Level.values, "description": "Everything; or mute, for nothing at all."},
    )


class TakenAsRead(Written):
    """What I have read."""

    judged_by = {
        **closed(
            "Exactly one of ids and up_to.",
            optional={
                "ids": {**IDS, "items": ID, "description": "These; what is not mine is passed over."},
                "up_to": {**ID, "description": "All up to this one."},
            },
        ),
        "oneOf": [{"required": ["ids"]}, {"required": ["up_to"]}],
    }


class WatchFoothold(Endpoint):
    """What I want to hear of a foothold."""

    @operation("read_watch", shapes.Watch, 401, 404, 410)
    def get(self, request: Request, accession: str) -> Response:
        """What I said; null where I have not."""
        person, row = self.person, footholds.find(accession, actor=self.actor)
        return Response(body(dossiers.watch(person, foothold=row)))

    @operation("watch_foothold", shapes.Watch, 404, 410, given=WantedWatch, writes=True)
    def put(self, request: Request, accession: str) -> Response:
        """Hear of everything that happens to it, or of nothing."""
        person, row = self.person, footholds.find(accession, actor=self.actor)
        require(person, "watch.set", row)
        watches.watch(actor=person, foothold=row, **self.given(WantedWatch.judged_by))
        return Response(body(dossiers.watch(person, foothold=row)))

    @operation("unwatch_foothold", None, 404, 410, codes=(204,), writes=True)
    def delete(self, request: Request, accession: str) -> Response:
        """Hear of it only when I write about it again."""
        person, row = self.person, footholds.find(accession, actor=self.actor)
        require(person, "watch.set", row)
        self.given()
        watches.stop(actor=person, foothold=row)
        return Response(status=204)


class WatchNeuron(Endpoint):
    """Whether I want to hear what is claimed about a neuron."""

    @operation("read_neuron_watch", shapes.Watch, 401, 404)
    def get(self, request: Request, slug: str, layer: str, channel: str) -> Response:
        """What I said; null where I have not."""
        person = self.person
        return Response(body(dossiers.watch(person, neuron=self.neuron(slug, layer, channel))))

    @operation("watch_neuron", shapes.Watch, 404, writes=True)
    def put(self, request: Request, slug: str, layer: str, channel: str) -> Response:
        """Hear of what is newly claimed about it."""
        person, row = self.person, self.neuron(slug, layer, channel)
        require(person, "watch.set", row)
        self.given()
        watches.watch_neuron(actor=person, neuron=row)
        return Response(body(dossiers.watch(person, neuron=row)))

    @operation("unwatch_neuron", None, 404, codes=(204,), writes=True)
    def delete(self, request: Request, slug: str, layer: str, channel: str) -> Response:
        """Hear of it no more."""
        person, row = self.person, self.neuron(slug, layer, channel)
        require(person, "watch.set", row)
        self.given()
        watches.stop(actor=person, neuron=row)
        return Response(status=204)

    def neuron(self, slug: str, layer: str, channel: str) -> Neuron:
        """The neuron, by whichever of its names."""
        place = addresses.neuron(addresses.checkpoint(slug, actor=self.actor), layer, channel)
        found: Any = addresses.row(place)
        return Neuron.objects.select_related("layer__checkpoint").get(pk=found.pk)


class Notifications(Endpoint):
    """What I was told."""

    parameters = query.PAGING

    @operation("list_notifications", shapes.NotificationPage, 401)
    def get(self, request: Request) -> Response:
        """List it, newest first; what I may not read any more is left out."""
        rows = dossiers.told(self.person)
        found, after = window(rows, by="-id", asked=self.asked, request=request)
        return page(request, [dossiers.facts_of(row) for row in found], after=after)


class ReadNotifications(Endpoint):
    """What I have read."""

    @operation("read_notifications", shapes.Read, given=TakenAsRead, writes=True)
    def post(self, request: Request) -> Response:
        """Take some as read, or all up to one."""
        person = self.person
        require(person, "notification.read", None)
        done = notifications.read(actor=person, **self.given(TakenAsRead.judged_by))
        return Response(body(dossiers.ReadFacts(done, notifications.unread(person))))


class Watches(Endpoint):
    """What I watch."""

    parameters = query.PAGING

    @operation("list_watches", shapes.WatchPage, 401)
    def get(self, request: Request) -> Response:
        """List it, newest first, what I have muted too."""
        found, after = window(dossiers.watched(self.person), by="-id", asked=self.asked, request=request)
        return page(request, [dossiers.watch_facts(row) for row in found], after=after)
