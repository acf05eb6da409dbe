"""Stored bytes, by their hash."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api import shapes
from api.endpoint import Endpoint, answers
from atlas.dossiers import pictures
from atlas.dossiers.bodies import body
from atlas.services import artifacts


class OneArtifact(Endpoint):
    """One artifact."""

    @extend_schema(operation_id="read_artifact", responses=answers(shapes.Artifact))
    def get(self, request: Request, sha256: str) -> Response:
        """What it is, and the address of its bytes."""
        return Response(body(pictures.facts_of(artifacts.find(sha256, actor=self.actor))))
