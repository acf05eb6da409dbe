"""Bytes by their hash: checked, never active, and never changing."""

from functools import partial

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseNotModified

from atlas import works
from atlas.citing.text import sentence
from atlas.dossiers import figures
from atlas.errors import NoSuchAddress
from atlas.redirects import Moved
from atlas.services import artifacts
from atlas.services.artifacts import EXTENSIONS, SHOWN
from atlas.web.negotiation import Page, negotiated, require_method
from atlas.web.people import actor_of
from atlas.web.plots import file_of, plots_of

FOR_EVER = "max-age=31536000, immutable"
# A drawing that is opened by itself: its own style and the pictures in it, and nothing that runs.
ALONE = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'; sandbox"


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


@negotiated("GET", cited=True)
def figure(request: HttpRequest, sha256: str) -> Page:
    """What some bytes are, how they were made, and how to cite and keep them."""
    found = figures.figure(sha256, actor=actor_of(request))
    return Page("figure.html", found, work=works.of_figure(found, origin=works.origin_of(request)))


def plot(request: HttpRequest, fingerprint: str, name: str) -> HttpResponse:
    """A plot of a finding as a file of its own, with its citation inside."""
    require_method(request, "GET")
    actor = actor_of(request)
    made = figures.drawn(fingerprint, actor=actor)
    every = {f"{one.name}.svg": one for one in plots_of(made.job)} if made else {}
    if made is None or name not in every:
        raise NoSuchAddress(address=request.path[:200])
    one = every[name]
    work = works.of_plot(made, name=one.shows, origin=works.origin_of(request))
    drawn = file_of(one, title=work.title, citation=sentence(work), pictures=partial(figures.bytes_of, actor=actor))
    saved = figures.file_name(made, sha256=fingerprint, extension="svg", shows=one.name)
    response = HttpResponse(drawn, content_type="image/svg+xml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{saved}"'
    response["Content-Security-Policy"] = ALONE
    response["Cache-Control"] = "private, no-cache"
    return response
