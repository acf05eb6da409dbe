"""Wires the one thing that must follow every migration: the triggers that keep records immutable."""

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db import connections
from django.db.models.signals import post_migrate


class AtlasConfig(AppConfig):
    """The record, one app with one migration history."""

    name = "atlas"

    def ready(self) -> None:
        post_migrate.connect(guard_records, sender=self)


def guard_records(*, using: str, **_: Any) -> None:
    """Reinstall the immutability triggers and, on PostgreSQL, the serving role's grants."""
    from atlas.models import guards  # models exist only once apps are ready

    connection = connections[using]
    guards.install(connection)
    if connection.vendor == "postgresql" and settings.SERVING_ROLE:
        guards.grant(connection, settings.SERVING_ROLE)
