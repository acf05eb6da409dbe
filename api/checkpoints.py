"""Checkpoints, their layers and their neurons; uploading one, and what may be edited about it."""

from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from api import query, shapes, uploads
from api.conditions import version_seen
from api.endpoint import Endpoint
from api.idempotency import idempotent
from api.pagination import page, span, window
from api.schema import Written, operation
from atlas import works
from atlas.citing import citation
from atlas.dossiers import agreement, neurons, walls
from atlas.dossiers import checkpoints as dossiers
from atlas.dossiers.bodies import body
from atlas.errors import BadParameter, NoSuchLayer
from atlas.models import Checkpoint
from atlas.permissions import readable, require
from atlas.redirects import moved
from atlas.services import addresses, curation, drafts
from atlas.uploads import MULTIPART

ROOT = "/api/v1/checkpoints"


class WantedCheckpoint(Written):
    """A checkpoint that is uploaded."""

    judged_by = uploads.WANTED


class Edited(Written):
    """What is to be different about a checkpoint."""

    judged_by: Mapping[str, Any] = {
        "type": "object",
        "description": "At least one of them; all are done or none.",
        "additionalProperties": False,
        "minProperties": 1,
        "properties": curation.EDITABLE,
    }


class Checkpoints(uploads.UploadEndpoint):
    """The checkpoints this reader may see, and the door for another."""

    parameters = {
        **query.PAGING,
        "task": query.one_of("Only of this task.", *Checkpoint.Task.values),
        "architecture": query.text("Only of this architecture."),
        "ordering": query.one_of("By slug, ascending (the default) or descending.", "slug", "-slug"),
    }

    @operation("list_checkpoints", shapes.CheckpointPage)
    def get(self, request: Request) -> Response:
        """List the checkpoints."""
        chosen = {name: self.asked[name] for name in ("task", "architecture") if name in self.asked}
        rows = Checkpoint.objects.filter(readable(self.actor), **chosen).defer(*dossiers.LARGE)
        by = self.asked.get("ordering", "slug")
        found, after = window(rows, by=by, asked=self.asked, request=request)
        return page(request, dossiers.summarise(found), after=after)

    @operation(
        "upload_checkpoint",
        shapes.Checkpoint,
        codes=(200, 202),
        given=WantedCheckpoint,
        media_type=MULTIPART,
        writes=True,
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Upload one. It is stored as a draft, and `Location` is the job that examines and then publishes it.

        202 when that is still to be done, 200 when this very upload is known, whatever has become of it. The same slug
        takes another upload as long as it is a draft.
        """
        person, given = self.person, self.received()
        answer = drafts.upload(actor=person, **given)
        [job] = answer.jobs
        place = {"Location": f"/api/v1/jobs/{job.fingerprint}"}
        found = dossiers.checkpoint(given["slug"], actor=person)
        return Response(body(found), status=202 if answer.new else 200, headers=place)


class OneCheckpoint(Endpoint):
    """One checkpoint."""

    @operation("read_checkpoint", shapes.Checkpoint, 404)
    def get(self, request: Request, slug: str) -> Response:
        """Its card, identity and layers."""
        return Response(body(dossiers.checkpoint(slug, actor=self.actor)))

    @operation("edit_checkpoint", shapes.Checkpoint, 404, 409, 412, 428, given=Edited, writes=True)
    def patch(self, request: Request, slug: str) -> Response:
        """Describe it otherwise, show it, deprecate it or give it away; If-Match names the version I saw."""
        person = self.person
        row = addresses.checkpoint(slug, actor=person)
        require(person, "checkpoint.describe", row)
        seen, given = version_seen(request, current=row.version_tag), self.given(Edited.judged_by)
        curation.edit(actor=person, checkpoint=row, based_on=seen, **given)
        return Response(body(dossiers.checkpoint(slug, actor=person)))


class CiteCheckpoint(Endpoint):
    """The citation of a checkpoint."""

    @operation("cite_checkpoint", shapes.Citation, 404)
    def get(self, request: Request, slug: str) -> Response:
        """How to cite it: the permanent address, and the text in every format."""
        found = dossiers.checkpoint(slug, actor=self.actor)
        return Response(body(citation(works.of_checkpoint(found, origin=works.origin_of(request)))))


class Agreement(Endpoint):
    """How far the reviewers of a checkpoint's claims agree."""

    parameters = {
        "layer": query.text("Only of claims about neurons of this layer."),
        "term": query.text("Only of claims that use this term, by slug."),
        "blind": query.one_of("Only of verdicts that were given before those of others could be seen.", "true"),
    }

    @operation("read_agreement", shapes.Agreement, 404)
    def get(self, request: Request, slug: str) -> Response:
        """Raw agreement, Krippendorff's α, and Cohen's κ of each pair; with n, 95 % intervals, and why one is null."""
        chosen = {name: self.asked[name] for name in ("layer", "term") if name in self.asked}
        try:
            found = agreement.of_checkpoint(slug, actor=self.actor, blind="blind" in self.asked, **chosen)
        except NoSuchLayer as error:
            raise BadParameter(parameter="layer", reason=str(error)) from None
        return Response(body(found))


class Layers(Endpoint):
    """The layers of a checkpoint."""

    parameters = query.PAGING

    @operation("list_layers", shapes.LayerPage, 404)
    def get(self, request: Request, slug: str) -> Response:
        """List the layers in depth order."""
        every = dossiers.layers(addresses.checkpoint(slug, actor=self.actor))
        start, stop, after = span(len(every), asked=self.asked, request=request)
        return page(request, every[start:stop], after=after)


class OneLayer(Endpoint):
    """One layer."""

    @operation("read_layer", shapes.Layer, 404, moves=True)
    def get(self, request: Request, slug: str, layer: str) -> Any:
        """Its shape, what one of its neurons sees, and how many have been visualized."""
        checkpoint = addresses.checkpoint(slug, actor=self.actor)
        place = addresses.layer(checkpoint, layer)
        if not place.canonical:
            return moved(request, f"{ROOT}/{slug}/layers/{place.layer.key}")
        return Response(body(dossiers.layers(checkpoint)[place.layer.index]))


class Neurons(Endpoint):
    """The neurons of a layer."""

    parameters = {
        **query.PAGING,
        "state": query.one_of("Only those whose description stands so; `none` has none.", *walls.STATES),
        "picture": query.one_of("Only those whose newest picture is so; `missing` has none.", *walls.SHOWN),
        "family": query.text("Only those of this family, by its accession.", longest=20),
        "term": query.text("Only those described with this term, by slug.", longest=40),
        "ordering": query.one_of("By channel (the default) or as a wall is ordered.", *walls.SORTS),
    }

    @operation("list_neurons", shapes.PlatePage, 404, moves=True)
    def get(self, request: Request, slug: str, layer: str) -> Any:
        """List the neurons as the wall of the layer shows them: with the newest picture, and what is said of each."""
        checkpoint = addresses.checkpoint(slug, actor=self.actor)
        place = addresses.layer(checkpoint, layer)
        if not place.canonical:
            return moved(request, f"{ROOT}/{slug}/layers/{place.layer.key}/neurons")
        chosen = {name: self.asked[name] for name in ("state", "picture", "family", "term") if name in self.asked}
        wanted = walls.Wanted(**chosen, sort=self.asked.get("ordering", "channel"))
        start = query.position(request, self.asked.get("cursor"))
        size = self.asked.get("limit", query.DEFAULT_LIMIT)
        found = walls.wall(slug, layer, actor=self.actor, wanted=wanted, start=start, size=size)
        return page(request, found.tiles, after=found.following)


class OneNeuron(Endpoint):
    """One neuron."""

    @operation("read_neuron", shapes.Neuron, 404, moves=True)
    def get(self, request: Request, slug: str, layer: str, channel: str) -> Any:
        """Its story: where it sits, what has been asked of it, and what was found."""
        place = addresses.neuron(addresses.checkpoint(slug, actor=self.actor), layer, channel)
        if not place.canonical:
            return moved(request, f"{ROOT}/{slug}/layers/{place.layer.key}/neurons/{place.channel}")
        return Response(body(neurons.neuron(slug, layer, channel, actor=self.actor)))


class CiteNeuron(Endpoint):
    """The citation of a neuron."""

    @operation("cite_neuron", shapes.Citation, 404, moves=True)
    def get(self, request: Request, slug: str, layer: str, channel: str) -> Any:
        """How to cite its identity: the permanent address, and the text in every format."""
        place = addresses.neuron(addresses.checkpoint(slug, actor=self.actor), layer, channel)
        if not place.canonical:
            return moved(request, f"{ROOT}/{slug}/layers/{place.layer.key}/neurons/{place.channel}/cite")
        found = neurons.neuron(slug, layer, channel, actor=self.actor)
        return Response(body(citation(works.of_neuron(found, origin=works.origin_of(request)))))
