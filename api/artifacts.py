"""Stored bytes, by their hash."""

from rest_framework.request import Request
from rest_framework.response import Response

from api import shapes
from api.endpoint import Endpoint
from api.schema import operation
from atlas.dossiers import pictures
from atlas.dossiers.bodies import body
from atlas.services import artifacts


class OneArtifact(Endpoint):
    """One artifact."""

    @operation("read_artifact", shapes.Artifact, 404)
    def get(self, request: Request, sha256: str) -> Response:
        """What it is, and the address of its bytes."""
        return Response(body(pictures.facts_of(artifacts.find(sha256, actor=self.actor))))
