"""`Prefer: wait=n` (RFC 7240): a script that would rather wait a little than ask again."""

import re
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from api.endpoint import Endpoint
from atlas.dossiers import jobs as dossiers
from atlas.dossiers.bodies import body
from atlas.models import Job

LONGEST = 30  # seconds; one of the server's threads waits along
LOOK = 0.2  # seconds between two looks
WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?(\d{1,6})\"?\s*(?:$|[,;])", re.ASCII)


def preferred(request: Request) -> int | None:
    """How many seconds the client would wait, at most LONGEST; None where it said nothing readable."""
    found = WAIT.search(request.headers.get("Prefer", ""))
    return min(int(found[1]), LONGEST) if found else None


def waiting(method: Callable[..., Response]) -> Callable[..., Response]:
    """An answer about a job waits for the job to end, as long as the client prefers; then it is 200, else as it was."""

    @wraps(method)
    def patiently(self: Endpoint, request: Request, **where: Any) -> Response:
        response = method(self, request, **where)
        seconds = preferred(request)
        if seconds is None or "fingerprint" not in response.data:
            return response
        fingerprint = response.data["fingerprint"]
        if _ended(fingerprint, seconds=seconds):
            response.status_code = 200
        response.data = body(dossiers.job(fingerprint, actor=self.actor))
        response["Preference-Applied"] = f"wait={seconds}"
        return response

    return patiently


def _ended(fingerprint: str, *, seconds: int) -> bool:
    until = time.monotonic() + seconds
    while not (ended := Job.objects.filter(fingerprint=fingerprint, state__in=Job.ENDED).exists()):
        if time.monotonic() > until:
            return False
        time.sleep(LOOK)
    return ended
