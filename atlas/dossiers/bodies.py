"""A dossier as JSON: the page's twin and the API's body are one and the same."""

import dataclasses
from datetime import UTC, datetime
from typing import Any

# What a dossier says of its reader rather than of its subject, or shows a second time, stays on the page.
ON_THE_PAGE = frozenset({"may_compute", "may_cancel", "may_requeue", "workers", "probes", "ahead", "strips"})


def body(dossier: Any) -> Any:
    """Plain JSON of a frozen dossier: fields by name, tuples as lists, times as ISO 8601 in UTC."""
    if dataclasses.is_dataclass(dossier):
        return {
            field.name: body(getattr(dossier, field.name))
            for field in dataclasses.fields(dossier)
            if field.name not in ON_THE_PAGE
        }
    if isinstance(dossier, datetime):
        return dossier.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(dossier, list | tuple):
        return [body(item) for item in dossier]
    if isinstance(dossier, dict):
        return {key: body(value) for key, value in dossier.items()}
    return dossier
