"""Whatever goes wrong under /api becomes one problem document: ours, Django's, DRF's, and what nobody expected."""

import logging
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404
from django.http.request import RawPostDataException
from rest_framework import exceptions as drf
from rest_framework.response import Response

from atlas import errors, problems
from atlas.errors import AtlasError

log = logging.getLogger(__name__)


def problem(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's exception handler: the problem document of `error`, with the headers it calls for."""
    known = translate(error, context)
    if known is None:
        log.error("uncaught in %s", type(context["view"]).__name__, exc_info=error)
        known = errors.Internal()
    return Response(
        problems.document(known),
        status=known.status,
        headers=problems.headers(known),
        content_type=problems.MEDIA_TYPE,
    )


def translate(error: Exception, context: dict[str, Any]) -> AtlasError | None:
    """Our error for anybody's; None for a fault of ours."""
    request, view = context["request"], context["view"]
    match error:
        case AtlasError():
            return error
        case Http404() | drf.NotFound():
            return errors.NoSuchAddress(address=request.path[:200])
        case drf.MethodNotAllowed():
            return errors.MethodNotAllowed(method=request.method[:20], allowed=", ".join(view.allowed_methods))
        case drf.NotAcceptable():
            return errors.NotAcceptable(forms="application/json")
        case drf.UnsupportedMediaType():
            return errors.UnsupportedMediaType(media_type=str(request.content_type)[:100])
        case drf.PermissionDenied() | PermissionDenied():
            return errors.Csrf()
        case drf.NotAuthenticated() | drf.AuthenticationFailed():
            return errors.AuthenticationRequired()
        case RequestDataTooBig():
            return errors.TooLarge(most=error_limit())
        case drf.ParseError() | SuspiciousOperation() | RawPostDataException():
            return errors.Malformed(detail="The request cannot be parsed.")
    return None


def error_limit() -> int:
    """The most bytes a body may have."""
    from django.conf import settings

    return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0)
