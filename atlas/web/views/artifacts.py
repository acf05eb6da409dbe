"""Bytes by their hash: checked, never active, and never changing."""

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseNotModified

from atlas.redirects import Moved
from atlas.services import artifacts
from atlas.services.artifacts import EXTENSIONS, SHOWN
from atlas.web.negotiation import require_method
from atlas.web.people import actor_of

FOR_EVER = "max-age=31536000, immutable"


def artifact(request: HttpRequest, name: str) -> HttpResponse | FileResponse:
    """The bytes. Their address says what they are, so that nothing has to be guessed, and is the same for ever."""
    require_method(request, "GET")
    sha256, _, extension = name.partition(".")
    found = artifacts.find(sha256, actor=actor_of(request))
    if extension != EXTENSIONS[found.media_type]:
        return Moved(f"/a/{sha256}.{EXTENSIONS[found.media_type]}")
    response: HttpResponse | FileResponse
    if request.headers.get("If-None-Match") == f'"{sha256}"':
        response = HttpResponseNotModified()
    else:
        response = FileResponse(
            artifacts.open_checked(found),
            content_type=found.media_type,
            as_attachment=found.media_type not in SHOWN,
            filename=name,
        )
        response["Content-Length"] = str(found.size)
    # Only what everybody may read is kept by caches between us and the reader.
    response["Cache-Control"] = f"{'private' if request.user.is_authenticated else 'public'}, {FOR_EVER}"
    response["ETag"] = f'"{sha256}"'
    response["Content-Security-Policy"] = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; sandbox"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
