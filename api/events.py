"""How a question comes along, told as it happens: server-sent events, of which a process keeps a bounded number open.

A stream holds one of the server's threads, so there are fewer streams than threads, and a few for each person; who
finds none left is told when to come back, and asks the job itself meanwhile. A stream ends with its job, or after a
while: an EventSource comes back.
"""

import json
import threading
import time
from collections import Counter
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
from atlas.errors import AtlasError, NoStreamLeft, TooManyStreams
from atlas.limits import principal
from atlas.models import Contributor

EVENTS = "text/event-stream"
MOST = 24  # streams of one process; supervisor.THREADS are 40
EACH = 4  # of one person: a browser keeps six connections to a server, and two of them stay free for pages
LOOK = 0.5  # seconds between two looks at the row
SILENCE = 5.0  # seconds after which a comment keeps the connection open, or finds that nobody reads any more
COME_BACK = 2_000  # milliseconds after which an EventSource asks again
RETRY = 5  # seconds after which somebody for whom there was no place may try again


class Places:
    """The streams of this process: so many in all, and so many for each who follows."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()

    def take(self, who: str) -> None:
        """A place for one stream more; raises TooManyStreams or NoStreamLeft."""
        with self._lock:
            if self._taken[who] >= EACH:
                raise TooManyStreams(most=EACH, retry_after=RETRY)
            if self._taken.total() >= MOST:
                raise NoStreamLeft(most=MOST, retry_after=RETRY)
            self._taken[who] += 1

    def give_back(self, who: str) -> None:
        """A stream has ended."""
        with self._lock:
            self._taken[who] -= 1
            self._taken += Counter()  # forgets whoever has none

    @property
    def taken(self) -> int:
        """How many are open."""
        return self._taken.total()


places = Places()


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
        who = principal(request)
        places.take(who)
        headers = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}
        return StreamingHttpResponse(told(first, actor=self.actor, who=who), content_type=EVENTS, headers=headers)


class told(Iterator[bytes]):
    """The events of one job, until it ends; gives back the place of whoever stops reading."""

    def __init__(self, first: dossiers.Glance, *, actor: Contributor | None, who: str) -> None:
        self._lines = lines(first, actor=actor)
        self._who = who
        self._closed = False

    def __next__(self) -> bytes:
        return next(self._lines)

    def close(self) -> None:
        """Django calls this when the answer is sent, or nobody is there to read it."""
        self._lines.close()
        if not self._closed:
            self._closed = True
            places.give_back(self._who)


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
