"""Errors as pages, or as problem documents for those who prefer JSON; and what Django itself refuses."""

from urllib.parse import urlencode

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string

from atlas import errors, problems
from atlas.errors import AtlasError
from atlas.web import negotiation

# Only these are tried without their slash: a path that starts with two slashes would lead to another host.
PAGES = ("/c", "/j", "/a", "/f", "/t", "/problems", "/api", "/me", "/teams", "/u", "/search", "/imports")


def refused(request: HttpRequest, error: AtlasError) -> HttpResponse:
    """The response for an error: a page for a browser, the problem document for everybody else."""
    wants_page = negotiation.prefers_page(request)
    if wants_page and error.status == 401:
        return redirect(f"/accounts/login?{urlencode({'next': request.get_full_path()})}")
    document = problems.document(error)
    if not wants_page:
        response: HttpResponse = JsonResponse(document, status=error.status, content_type=problems.MEDIA_TYPE)
    else:
        # Without context processors: the database, or the session, may be what is broken.
        user = request.user if error.status < 500 and hasattr(request, "user") else None
        context = {"problem": document, "user": user, "home": error.status != 404}
        response = HttpResponse(render_to_string("problem.html", context), status=error.status)
    for name, value in problems.headers(error).items():
        response[name] = value
    return negotiation.varying(response)


def too_many(request: HttpRequest) -> HttpResponse:
    """429: too many attempts to sign in or up, or to have a password reset."""
    return refused(request, errors.TooManyAttempts(retry_after=300))


def of_script(request: HttpRequest, error: AtlasError) -> HttpResponse:
    """The problem document for a script, whatever it accepts: nobody is there to be sent to a form."""
    response = JsonResponse(problems.document(error), status=error.status, content_type=problems.MEDIA_TYPE)
    for name, value in problems.headers(error).items():
        response[name] = value
    return response


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404, unless the address only has a slash too many."""
    trimmed = request.path.rstrip("/")
    plain = trimmed != request.path and not {".", ".."} & set(trimmed.split("/"))
    if request.method in ("GET", "HEAD") and plain and trimmed.startswith(PAGES):
        return negotiation.moved(request, trimmed)
    return refused(request, errors.NoSuchAddress(address=request.path[:200]))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: what Django could not make sense of."""
    if isinstance(exception, DisallowedHost):
        return refused(request, errors.BadHost(host=request.headers.get("Host", "")[:80]))
    return refused(request, errors.Malformed(detail="The request cannot be parsed."))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403."""
    return refused(request, errors.Csrf())


def csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: a form without our token, or with that of another session."""
    return refused(request, errors.Csrf())


def server_error(request: HttpRequest) -> HttpResponse:
    """500: Django has logged it."""
    return refused(request, errors.Internal())
