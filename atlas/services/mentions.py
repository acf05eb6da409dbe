"""People named with an @: kept by who they are and not by what they are called, so that erasure reaches them there."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from atlas import markdown
from atlas.errors import Validation
from atlas.models import CommentVersion, Contributor

MOST = 25
# Not within a word, an address or a path: what stands there is no person of ours.
NAMED = re.compile(r"(?<![\w@/.+-])@([a-z0-9][a-z0-9_-]{1,38})(?![\w@-])", re.IGNORECASE | re.ASCII)


def taken_out(text: str) -> tuple[str, list[list[int]], set[int]]:
    """A text without the names of people, where in it they were and whose, and who is spoken to.

    Names of nobody stay as they were typed, like names of people who may not read the text: nothing tells which. A
    name that stands in code is nobody spoken to. Raises Validation for more than MOST.
    """
    typed = {found[1].lower() for found in NAMED.finditer(text)}
    if len(typed) > MOST:
        detail = f"Must name at most {MOST} people with @."
        raise Validation(errors=[{"pointer": "/body", "code": "too-many-mentions", "detail": detail}])
    known = _known(typed)
    kept, mentions, end = "", list[list[int]](), 0
    for found in NAMED.finditer(text):
        handle = _handle(found[1], known)
        if handle is not None:
            kept += text[end : found.start(1)]
            mentions.append([len(kept), known[handle]])
            end = found.start(1) + len(handle)
    aloud = {_handle(found[1], known) for found in NAMED.finditer(markdown.aloud(text))} if mentions else set()
    return kept + text[end:], mentions, {known[handle] for handle in aloud if handle is not None}


def put_back(version: CommentVersion, handles: Mapping[int, str]) -> str:
    """What a version says, with people as they are called today."""
    text, end = "", 0
    for place, person in version.mentions:
        text += version.body[end:place] + handles[person]
        end = place
    return text + version.body[end:]


def handles_in(versions: Iterable[CommentVersion]) -> dict[int, str]:
    """How everybody whom these name is called today, in one query."""
    named: set[Any] = {person for version in versions for _, person in version.mentions}
    return dict(Contributor.objects.filter(pk__in=named).values_list("pk", "handle"))


def _known(typed: set[str]) -> dict[str, int]:
    wanted = typed | {name.rstrip("-_") for name in typed}
    return dict(Contributor.objects.filter(handle__in=wanted).values_list("handle", "pk"))


def _handle(name: str, known: Mapping[str, int]) -> str | None:
    """The handle that was meant: a dash or a line at its end may belong to the sentence."""
    name = name.lower()
    return next((one for one in (name, name.rstrip("-_")) if one in known), None)
