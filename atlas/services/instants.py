"""Moments on the database's clock: no guard ever reads a worker's."""

from datetime import timedelta
from typing import Any

from django.db.models import DateTimeField, ExpressionWrapper
from django.db.models.functions import Now

HORIZON = 900.0  # seconds: no question rests for so long, and no lease lasts; what lies beyond, a clock put there


def from_now(seconds: float) -> "ExpressionWrapper[Any]":
    """So many seconds after the statement begins; before it, when negative."""
    return ExpressionWrapper(Now() + timedelta(seconds=seconds), output_field=DateTimeField())
