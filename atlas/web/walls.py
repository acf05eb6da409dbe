"""What somebody wants to see of a wall, as the address says it; and the addresses of its other pages."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from django import template
from django.http import HttpRequest

from atlas.dossiers.walls import SHOWN, SORTS, STATES, Plate, WallDossier, Wanted
from atlas.errors import BadParameter
from atlas.web.figures import figure

register = template.Library()

CHOICES: Mapping[str, Mapping[str, str]] = {"state": STATES, "picture": SHOWN, "sort": SORTS}
NAMED = {"family": re.compile(r"[0-9A-Z]{1,20}"), "term": re.compile(r"[a-z0-9-]{1,40}")}


def wanted(request: HttpRequest) -> Wanted:
    """What the form of a wall asks for; raises BadParameter for what it does not offer."""
    given = {name: request.GET.get(name, "") for name in (*CHOICES, *NAMED)}
    for name, choices in CHOICES.items():
        if given[name] and given[name] not in choices:
            raise BadParameter(parameter=name, reason=f"must be one of {', '.join(choices)}")
    for name, spelling in NAMED.items():
        if given[name] and not spelling.fullmatch(given[name]):
            raise BadParameter(parameter=name, reason="must be an accession" if name == "family" else "must be a term")
    return Wanted(**{name: text for name, text in given.items() if text})


def start(request: HttpRequest, *, most: int) -> int | None:
    """The channel a page starts with, if the address names one."""
    text: Any = request.GET.get("start")
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) >= most:
        raise BadParameter(parameter="start", reason=f"must be a channel from 0 to {most - 1}")
    return int(text)


@register.simple_tag
def wall_at(it: WallDossier, start: int | None = None) -> str:
    """The address of a wall as it is now, from another channel on."""
    said = {name: text for name, text in asdict(it.wanted).items() if text and text != "channel"}
    query = urlencode(said | ({} if start is None else {"start": start}))
    return f"{it.layer.url}?{query}" if query else it.layer.url


@register.simple_tag
def choices(it: WallDossier) -> list[dict[str, Any]]:
    """The fields of the form: what each offers, and what is chosen."""
    offered = [
        ("state", "Claims", "any", STATES.items()),
        ("picture", "Picture", "any", SHOWN.items()),
        ("family", "Family", "any", [(one.accession, one.title) for one in it.families]),
        ("term", "Term", "any", it.terms),
        ("sort", "Order", "", SORTS.items()),
    ]
    return [
        {"name": name, "label": label, "blank": blank, "options": options, "chosen": getattr(it.wanted, name)}
        for name, label, blank, options in offered
        if options or getattr(it.wanted, name)
    ]


@register.simple_tag
def measured(it: WallDossier, plate: Plate) -> str:
    """The number by which a tile stands where it stands, in words."""
    if plate.measure is None:
        return ""
    return f"{figure(plate.measure)} ×" if it.wanted.sort == "achieved" else f"reaches {figure(plate.measure)}"
