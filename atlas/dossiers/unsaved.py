"""What somebody typed and has not saved, for themselves alone."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from atlas.models import Contributor, UnsavedText


@dataclass(frozen=True, slots=True)
class UnsavedFacts:
    """A text that is not saved: for what, on top of which version, and as it was typed."""

    item: str
    base_version: int | None
    content: dict[str, Any]
    at: datetime


def of(actor: Contributor) -> list[UnsavedFacts]:
    """Everything somebody has not saved, the newest first."""
    return [facts_of(row) for row in UnsavedText.objects.filter(contributor=actor)]


def facts_of(row: UnsavedText) -> UnsavedFacts:
    """A text's facts."""
    return UnsavedFacts(row.item, row.base_version, row.content, row.at)
