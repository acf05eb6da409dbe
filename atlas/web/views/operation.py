"""For whoever keeps the service going: does this process live, is it ready, what computes, what is measured."""

import hmac
import logging
import threading
import time
from dataclasses import dataclass, field

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CONTENT_TYPE_LATEST

from atlas import health
from atlas.dossiers import operation as dossiers
from atlas.errors import NoSuchAddress
from atlas.web import measures
from atlas.web.negotiation import Page, negotiated, require_method
from atlas.web.people import actor_of, person_of

log = logging.getLogger(__name__)
GLANCE = 1.0  # seconds for which a look at database and store is shared by all who ask: anybody may


@dataclass
class Glance:
    """The last look at what this process needs."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    looked: float = -GLANCE
    wrong: tuple[str, ...] = ()

    def now(self) -> tuple[str, ...]:
        """The names of what is wrong; everything else goes to the log, for this address is open."""
        with self.lock:
            if time.monotonic() - self.looked >= GLANCE:
                sick = [verdict for verdict in health.verdicts(health.READY) if not verdict.ok]
                for verdict in sick:
                    log.warning("not ready: %s %s", verdict.name, verdict.found)
                self.wrong = tuple(verdict.name for verdict in sick)
                self.looked = time.monotonic()
            return self.wrong


glance = Glance()


def healthz(request: HttpRequest) -> HttpResponse:
    """Whether this process answers; it is started again when it does not, so nothing else counts here."""
    require_method(request, "GET")
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> JsonResponse:
    """Whether requests should be sent here: 503 with the names of what is wrong when not."""
    require_method(request, "GET")
    wrong = glance.now()
    response = JsonResponse({"ready": not wrong, "wrong": list(wrong)}, status=503 if wrong else 200)
    response["Cache-Control"] = "no-store"
    return response


@negotiated("GET")
def workers(request: HttpRequest) -> Page:
    """Who computes, and what waits."""
    person_of(request)
    found = dossiers.operation(actor_of(request))
    return Page("workers.html", found, {"bell": health.broker()})


def metrics(request: HttpRequest) -> HttpResponse:
    """What is measured, for who shows the token; without a token in the settings there is no such address."""
    require_method(request, "GET")
    if not settings.METRICS_TOKEN:
        raise NoSuchAddress(address=request.path)
    shown = request.headers.get("Authorization", "").removeprefix("Bearer ").encode()
    if not hmac.compare_digest(shown, settings.METRICS_TOKEN.encode()):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer", "Cache-Control": "no-store"})
    return HttpResponse(measures.text(), content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})
