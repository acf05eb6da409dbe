"""Tells the workers that there is work. The message carries none: lost, doubled or forged, it changes only latency."""

import logging
from functools import cache

from celery import Celery
from django.conf import settings
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


@cache
def _sender() -> Celery:
    """A send-only app: it knows the task by name and imports none of it."""
    app = Celery("atlas.doorbell", broker=settings.BROKER, set_as_current=False)
    app.conf.update(
        task_ignore_result=True,
        broker_connection_timeout=1,
        broker_transport_options={"socket_connect_timeout": 1, "socket_timeout": 1},
    )
    return app


def ring() -> None:
    """Ring once. A broker that is away is logged and forgotten: the workers look for themselves every few seconds."""
    if settings.BROKER.startswith("memory://"):
        return  # the embedded worker lives in another process and rings for itself
    try:
        _sender().send_task("workers.drain", expires=300, retry=False)
    except OperationalError as error:
        log.warning("the bell could not be rung: %s", error)
