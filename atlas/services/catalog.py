"""The probes that exist: workers publish them, pages and API read them."""

from typing import Any

from atlas.errors import NoSuchProbe, ProbeChangedWithoutVersion
from atlas.models import ProbeKind

REGISTER = "register"  # the question that an upload asks; nobody asks it in words


def publish(
    *,
    name: str,
    version: int,
    summary: str,
    description: str,
    schema: dict[str, Any],
    subjects: list[str],
    site: str,
    example: dict[str, Any],
    seconds: float,
) -> ProbeKind:
    """Make a probe version known. Publishing it again is nothing; with another schema it is refused."""
    kind, created = ProbeKind.objects.get_or_create(
        name=name,
        version=version,
        defaults={
            "summary": summary,
            "description": description,
            "schema": schema,
            "subjects": subjects,
            "site": site,
            "example": example,
            "seconds": seconds,
        },
    )
    if not created and (kind.schema, kind.subjects, kind.site) != (schema, subjects, site):
        raise ProbeChangedWithoutVersion(probe=name, version=version)
    return kind


def newest(name: str) -> ProbeKind:
    """The newest published version of a probe; raises NoSuchProbe naming those there are."""
    # PostgreSQL cannot even be asked for a name with NUL in it.
    kind = None if "\x00" in name else ProbeKind.objects.filter(name=name).order_by("-version").first()
    if kind is None:
        raise NoSuchProbe(probe=name[:80], probes=", ".join(names()) or "none yet")
    return kind


def names() -> list[str]:
    """Names of all published probes."""
    return sorted(set(ProbeKind.objects.values_list("name", flat=True)))
