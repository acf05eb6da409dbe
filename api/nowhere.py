"""Every address under /api that is none, answered like the others."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.endpoint import Endpoint
from atlas.errors import NoSuchAddress


@extend_schema(exclude=True)
class Nowhere(Endpoint):
    """Nothing, whatever is asked of it."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """There is nothing here, whatever the query string says."""
        raise NoSuchAddress(address=request.path[:200])

    def get(self, request: Request) -> Response:
        """Never reached."""
        raise NoSuchAddress(address=request.path[:200])
