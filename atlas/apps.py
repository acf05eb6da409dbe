"""Wires what must follow every migration and every new connection: the triggers, and who acts for them."""

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db import connections
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate


class AtlasConfig(AppConfig):
    """The record, one app with one migration history."""

    name = "atlas"

    def ready(self) -> None:
        from atlas.models import traces  # models exist only once apps are ready

        post_migrate.connect(guard_records, sender=self)
        connection_created.connect(traces.introduce)


def guard_records(*, using: str, **_: Any) -> None:
    """Reinstall the triggers, the indexes of words and, on PostgreSQL, the serving role's grants."""
    from atlas.models import guards, index, traces

    connection = connections[using]
    guards.install(connection)
    traces.install(connection)
    index.install(connection)
    if connection.vendor == "postgresql" and settings.SERVING_ROLE:
        guards.grant(connection, settings.SERVING_ROLE)
