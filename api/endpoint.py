"""What every endpoint shares: who asks, strict query parameters, and the problems it may answer with."""

from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from api import query, shapes
from atlas.models import Contributor


class Endpoint(APIView):
    """A resource. `parameters` are the query parameters it reads; all others are refused."""

    parameters: ClassVar[Mapping[str, query.Reader]] = {}
    asked: dict[str, Any]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Read the query string before anything else."""
        super().initial(request, *args, **kwargs)
        self.asked = query.read(request, self.parameters if request.method in ("GET", "HEAD") else {})

    @property
    def actor(self) -> Contributor | None:
        """Who asks; None for anybody."""
        return getattr(self.request.user, "contributor", None)


def answers(shape: Any, *problems: int, code: int = 200) -> dict[Any, Any]:
    """The `responses` of an endpoint for the schema: its body, and problem documents by status."""
    stated = {400: "The query string or the body cannot be read.", 404: "There is no such thing.", 406: "JSON only."}
    stated |= {401: "Sign in first.", 403: "You may not.", 409: "The state forbids it.", 413: "Too large."}
    stated |= {415: "Not JSON.", 422: "Understood, and not acceptable; `errors` says where."}
    codes = {400, 404, 406, *problems}
    found: dict[Any, Any] = {
        (status, "application/problem+json"): OpenApiResponse(shapes.Problem, description=stated[status])
        for status in sorted(codes)
    }
    return {code: shape, **found}


def parameter(name: str, description: str, **options: Any) -> OpenApiParameter:
    """A query parameter for the schema."""
    return OpenApiParameter(name, description=description, **options)


PAGED = [
    parameter(
        "limit", "Items on a page, 1 to 200.", type={"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
    ),
    parameter("cursor", "Where to go on: the value in `next`.", type=str),
]
