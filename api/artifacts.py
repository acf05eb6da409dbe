"""Stored bytes, by their hash; and the door for pictures and tables that are to be evidence."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from api import shapes
from api.endpoint import Endpoint
from api.idempotency import idempotent
from api.parsers import NotYet
from api.schema import Written, operation
from atlas import uploads
from atlas.dossiers import pictures
from atlas.dossiers.bodies import body
from atlas.models import Artifact
from atlas.services import artifacts
from atlas.services import uploads as services


class Sent(Written):
    """A picture or a table, and nothing beside it."""

    judged_by = {
        "type": "string",
        "format": "binary",
        "description": "A PNG, JPEG or WebP of one frame: at most 10 MiB, 16 million pixels and 8,192 pixels a side; "
        "CSV in UTF-8 with a row of names, at most 1 MiB; or safetensors of floating-point numbers, at most 16 MiB.",
    }


class Artifacts(Endpoint):
    """Where pictures, tables and tensors are sent."""

    parser_classes = [NotYet]
    counted = {"POST": "import"}
    _kept: Artifact | None = None

    def identity(self) -> Any:
        """What is kept of it."""
        return self.kept().sha256

    def kept(self) -> Artifact:
        """What is sent; read once, and only from who may send anything at all."""
        if self._kept is None:
            person = self.person
            services.require_uploader(person)
            plain = self.request._request
            with uploads.received(plain, most=services.LARGEST) as file:
                self._kept = services.upload(actor=person, file=file, declared=str(plain.content_type))
        return self._kept

    @operation("upload_artifact", shapes.Artifact, codes=(201,), given=Sent, media_type="*/*", writes=True)
    @idempotent
    def post(self, request: Request) -> Response:
        """Send a picture, a table or tensors as the body. What is kept are pixels as PNG, cells, or numbers.

        Its `sha256` is what the content of evidence names in `artifacts`, with an `alt_text`, and what an intervention
        names as the `weights` of a splice or as a `mask`. Until evidence shows it, it is yours alone to read; from then
        on, everybody's who may read the evidence.
        """
        kept = self.kept()
        place = {"Location": f"/api/v1/artifacts/{kept.sha256}"}
        return Response(body(pictures.facts_of(kept)), status=201, headers=place)


class OneArtifact(Endpoint):
    """One artifact."""

    @operation("read_artifact", shapes.Artifact, 404)
    def get(self, request: Request, sha256: str) -> Response:
        """What it is, and the address of its bytes."""
        return Response(body(pictures.facts_of(artifacts.find(sha256, actor=self.actor))))
