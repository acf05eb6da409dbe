"""Whatever goes wrong under /api becomes one problem document: ours, Django's, DRF's, and what nobody expected."""

import logging
from typing import Any

from django.conf import settings
from django.core.exceptions import DisallowedHost, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, JsonResponse
from django.http.request import RawPostDataException
from rest_framework import exceptions as drf

from atlas import errors, problems, shortages
from atlas.errors import AtlasError

log = logging.getLogger(__name__)


def problem(error: Exception, context: dict[str, Any]) -> JsonResponse:
    """DRF's exception handler: the problem document of `error`, with the headers it calls for.

    Not rendered by the view: one that answers in HTML or YAML refuses in JSON like all others.
    """
    known = translate(error, context)
    if known is None and (known := shortages.named(error)) is not None:
        log.error("%s: %s", context["request"].path, known)
    if known is None:
        log.error("uncaught in %s", type(context["view"]).__name__, exc_info=error)
        known = errors.Internal()
    return JsonResponse(
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
            return errors.NotAcceptable(forms=", ".join(form.media_type for form in view.renderer_classes))
        case drf.UnsupportedMediaType():
            return errors.UnsupportedMediaType(media_type=str(request.content_type)[:100])
        case drf.PermissionDenied() | PermissionDenied():
            return errors.Csrf()
        case drf.NotAuthenticated() | drf.AuthenticationFailed():
            return errors.AuthenticationRequired()
        case RequestDataTooBig():
            return errors.TooLarge(most=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        case DisallowedHost():
            return errors.BadHost(host=request.headers.get("Host", "")[:80])
        case drf.ParseError() | SuspiciousOperation() | RawPostDataException():
            return errors.Malformed(detail="The request cannot be parsed.")
    return None
