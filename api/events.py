"""How a question comes along, told as it happens: server-sent events, of which a process keeps a bounded number open.

A stream holds one of the server's threads, so there are fewer streams than threads; who finds none left is told when to
come back, and asks the job itself meanwhile. A stream ends with its job, or after a while: an EventSource comes back.
"""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.http import StreamingHttpResponse
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from api.endpoint import Endpoint
from api.schema import operation
from atlas.dossiers import jobs as dossiers
from atlas.dossiers.bodies import body
from atlas.errors import AtlasError, NoStreamLeft
from atlas.models import Contributor

EVENTS = "text/event-stream"
MOST = 24  # streams of one process; supervisor.THREADS are 64
LOOK = 0.5  # seconds between two looks at the row
SILENCE = 5.0  # seconds after which a comment keeps the connection open, or finds that nobody reads any more
COME_BACK = 2_000  # milliseconds after which an EventSource asks again
open_streams = threading.BoundedSemaphore(MOST)


class EventStream(BaseRenderer):
    """Nothing is rendered: the view streams."""

    media_type = EVENTS
    format = "events"
    charset = None


class JobEvents(Endpoint):
    """A question as it comes along."""

    renderer_classes = [EventStream]
    streams = True

    @operation("follow_job", str, 404, 503, form=EVENTS)
    def get(self, request: Request, fingerprint: str) -> StreamingHttpResponse:
        """Follow a job: `progress` whenever something changed, `end` when nothing more will; data are JSON.

        Each says state, steps done and of how many, how many questions come before it, and the pictures so far.
        """
        first = dossiers.glance(fingerprint, actor=self.actor)
        if not open_streams.acquire(blocking=False):
            raise NoStreamLeft(most=MOST, retry_after=5)
        headers = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}
        return StreamingHttpResponse(told(first, actor=self.actor), content_type=EVENTS, headers=headers)


class told(Iterator[bytes]):
    """The events of one job, until it ends; gives its place back whoever stops reading."""

    def __init__(self, first: dossiers.Glance, *, actor: Contributor | None) -> None:
        self._lines = lines(first, actor=actor)
        self._closed = False

    def __next__(self) -> bytes:
        return next(self._lines)

    def close(self) -> None:
        """Django calls this when the answer is sent, or nobody is there to read it."""
        self._lines.close()
        if not self._closed:
            self._closed = True
            open_streams.release()


def lines(glance: dossiers.Glance, *, actor: Contributor | None) -> Any:
    """The stream's bytes."""
    until = time.monotonic() + settings.STREAM_SECONDS
    yield f"retry: {COME_BACK}\n\n".encode()
    while True:
        yield event("end" if glance.ended else "progress", glance)
        if glance.ended:
            return
        said = time.monotonic()
        while (seen := _seen(glance, actor=actor)) == glance:
            if time.monotonic() > until:
                return
            if time.monotonic() - said > SILENCE:
                said = time.monotonic()
                yield b": still here\n\n"
            time.sleep(LOOK)
        if seen is None:
            return
        glance = seen


def event(name: str, glance: dossiers.Glance) -> bytes:
    """One event."""
    return f"event: {name}\ndata: {json.dumps(body(glance), ensure_ascii=False)}\n\n".encode()


def _seen(glance: dossiers.Glance, *, actor: Contributor | None) -> dossiers.Glance | None:
    """The job as it stands now; None once this reader may not know of it."""
    try:
        return dossiers.glance(glance.fingerprint, actor=actor)
    except AtlasError:
        return None
