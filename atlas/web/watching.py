"""What passes through this process is counted, timed and, where machines read the log, written down."""

import logging
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, Histogram

log = logging.getLogger("atlas.requests")
View = Callable[[HttpRequest], HttpResponse]

# Of this process alone: each web process is scraped by itself, and whoever reads sums them up.
REGISTRY = CollectorRegistry()
REQUESTS = Histogram(
    "atlas_http_request_seconds",
    "Seconds until the first byte of an answer, by the kind of address, method and class of status.",
    ("kind", "method", "status"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
    registry=REGISTRY,
)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
PRIVATE = "/accounts/"  # addresses below it may hold what opens an account


def watched(get_response: View) -> View:
    """Measure every request."""

    def middleware(request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = get_response(request)
        seconds = time.perf_counter() - began
        kind, method = kind_of(request), request.method if request.method in METHODS else "other"
        REQUESTS.labels(kind, method, f"{response.status_code // 100}xx").observe(seconds)
        path = request.path if not request.path.startswith(PRIVATE) else f"{PRIVATE}…"
        facts = {"method": method, "path": path[:500], "route": kind, "status": response.status_code}
        log.info("%s %s %d", method, path[:500], response.status_code, extra={**facts, "seconds": round(seconds, 4)})
        return response

    return middleware


def kind_of(request: HttpRequest) -> str:
    """`api/jobs`, `c`, `static` …: of how the address begins only what the service itself has named."""
    if request.path.startswith("/static/"):
        return "static"
    match = request.resolver_match
    if match is None:
        return "none"
    words = match.route.replace("api/v1/", "api/").lstrip("^").split("/")
    depth = 2 if words[0] == "api" else 1
    return "/".join(word.partition("(")[0].partition("<")[0].rstrip("$") for word in words[:depth]) or "home"
