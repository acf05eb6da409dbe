"""A change in words: what sort of thing it was about, and what was done to it."""

from collections.abc import Mapping
from typing import Any

from django import template

from atlas.dossiers.changes import ChangeFacts, Feed
from atlas.dossiers.tellings import About
from atlas.models import Role

register = template.Library()
# By table: what is said before the title of what it was about, and what was done where a row was added.
SAID = {
    "contributor": ("person", "joined"),
    "byline": ("name of", "signed"),
    "user": ("login of", "made"),
    "team": ("team", "founded"),
    "membership": ("membership of", "begun"),
    "invitation": ("invitation to", "made"),
    "token": ("token of", "made"),
    "checkpoint": ("checkpoint", "registered"),
    "dataset": ("dataset", "registered"),
    "foothold": ("claim", "made"),
    "revision": ("version of", "written"),
    "arrangement": ("layout of", "saved"),
    "support": ("evidence on", "given"),
    "trial": ("test of", "begun"),
    "upload": ("file of", "uploaded"),
    "review": ("verdict on", "given"),
    "resolution": ("dispute on", "decided"),
    "moderationentry": ("moderation of", "decided"),
    "comment": ("comment on", "written"),
    "commentversion": ("words of a comment on", "written"),
    "commentmoderation": ("moderation of a comment on", "decided"),
    "import": ("import", "staged"),
    "term": ("term", "added"),
}
# What an update of a column means; the first that was changed tells.
MEANS = {
    ("foothold", "replaced_by_id"): "merged",
    ("foothold", "head_version"): "revised",
    ("foothold", "visibility"): "shown to everybody",
    ("foothold", "state"): "judged anew",
    ("foothold", "flags"): "judged anew",
    ("support", "withdrawn_at"): "taken back",
    ("review", "superseded_at"): "superseded",
    ("comment", "removed_at"): "removed or put back",
    ("comment", "resolved_at"): "resolved or reopened",
    ("comment", "head_version"): "edited",
    ("invitation", "revoked_at"): "revoked",
    ("invitation", "uses_left"): "used",
    ("token", "revoked_at"): "revoked",
    ("user", "password"): "given another password",
    ("contributor", "erased_at"): "erased",
    ("term", "replaced_by_id"): "merged",
}
TOLD_BY_VALUE = ("standing", "moderation", "rank", "status", "state", "role")  # columns whose value is kept and says it
STANDS = {("draft", "open"): "proposed", ("withdrawn", "open"): "reinstated", ("withdrawn", "draft"): "reinstated"}


@register.simple_tag
def about(feed: Feed, one: ChangeFacts) -> About | None:
    """What a change was about, for who may read it."""
    return feed.about.get(one.number)


@register.filter
def thing(one: ChangeFacts) -> str:
    """`version 3 of`, `circuit`: what stands before the title."""
    values = one.after or one.before or {}
    if one.table == "foothold":
        return str(values.get("kind", "claim"))
    if one.table == "revision":
        return f"version {values.get('version')} of"
    return SAID.get(one.table, (one.table, ""))[0]


@register.filter
def done(one: ChangeFacts) -> str:
    """`revised`: what was done."""
    if one.kind == "delete":
        return "removed"
    if one.kind == "insert":
        return SAID.get(one.table, ("", "added"))[1]
    before, after = one.before or {}, one.after or {}
    meant = next((MEANS[one.table, name] for name in one.changed if (one.table, name) in MEANS), "")
    told = [_told(name, before, after) for name in TOLD_BY_VALUE if name in one.changed and name in after]
    return (told or [meant])[0] or "changed"


def _told(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    if name == "standing":
        return STANDS.get((str(before.get(name)), str(after[name])), str(after[name]))
    if name == "role":
        return f"made {Role(after[name]).label}"
    return f"set to {after[name]}"
