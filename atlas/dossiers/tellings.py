"""What a change was about, by its title and its address, for who may read it: rows of tables tell people nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from atlas.models import Change, Checkpoint, Comment, Contributor, Dataset, Foothold, Import, Team
from atlas.permissions import readable, readable_dataset, readable_footholds, readable_imports

# What a row of each table is about, and the value of its trace that names it by its id.
OF_CLAIMS = ("revision", "arrangement", "trial", "review", "resolution", "moderationentry", "comment")
ABOUT = {
    **dict.fromkeys(OF_CLAIMS, ("foothold", "foothold_id")),
    "foothold": ("foothold", "id"),
    "support": ("foothold", "claim_id"),
    "commentversion": ("comment", "comment_id"),
    "commentmoderation": ("comment", "comment_id"),
    "checkpoint": ("checkpoint", "id"),
    "dataset": ("dataset", "id"),
    "import": ("import", "id"),
    "contributor": ("contributor", "id"),
    "byline": ("contributor", "contributor_id"),
    "user": ("contributor", "contributor_id"),
    "token": ("contributor", "owner_id"),
    "upload": ("contributor", "uploaded_by_id"),
    "team": ("team", "id"),
    "membership": ("team", "team_id"),
    "invitation": ("team", "team_id"),
}


@dataclass(frozen=True, slots=True)
class About:
    """A thing that can be read, and where."""

    title: str
    url: str


def about(rows: Iterable[Change], *, actor: Contributor | None) -> dict[int, About]:
    """By its number what each change was about, as far as this person may read it; a query for each kind of thing."""
    meant = {row.number: _meant(row) for row in rows}
    wanted: dict[str, set[Any]] = {}
    for kind, key in meant.values():
        wanted.setdefault(kind, set()).add(key)
    found = {kind: LOOKED_UP[kind](keys, actor) for kind, keys in wanted.items() if kind in LOOKED_UP}
    known = {number: found.get(kind, {}).get(key) for number, (kind, key) in meant.items()}
    return {number: one for number, one in known.items() if one is not None}


def _meant(row: Change) -> tuple[str, Any]:
    kind, name = ABOUT.get(row.table, (row.table, "slug"))
    return kind, (row.after or row.before or {}).get(name)


def _footholds(ids: set[Any], actor: Contributor | None) -> Mapping[Any, About]:
    rows = Foothold.objects.filter(readable_footholds(actor), pk__in=ids).values_list("pk", "title", "accession")
    return {pk: About(title, f"/f/{accession}") for pk, title, accession in rows}


def _comments(ids: set[Any], actor: Contributor | None) -> Mapping[Any, About]:
    rows = Comment.objects.filter(readable_footholds(actor, "foothold__"), pk__in=ids)
    named = rows.values_list("pk", "foothold__title", "foothold__accession", "number")
    return {pk: About(title, f"/f/{accession}#comment-{number}") for pk, title, accession, number in named}


def _checkpoints(ids: set[Any], actor: Contributor | None) -> Mapping[Any, About]:
    rows = Checkpoint.objects.filter(readable(actor), pk__in=ids).values_list("pk", "slug")
    return {pk: About(slug, f"/c/{slug}") for pk, slug in rows}


def _datasets(ids: set[Any], actor: Contributor | None) -> Mapping[Any, About]:
    rows = Dataset.objects.filter(readable_dataset(actor), pk__in=ids).values_list("pk", "title", "digest")
    return {pk: About(title, f"/d/{digest}") for pk, title, digest in rows}


def _imports(ids: set[Any], actor: Contributor | None) -> Mapping[Any, About]:
    rows = Import.objects.filter(readable_imports(actor), pk__in=ids) if actor else Import.objects.none()
    return {pk: About(source, f"/imports/{at}") for pk, source, at in rows.values_list("pk", "source", "public_id")}


def _people(ids: set[Any], actor: Contributor | None) -> Mapping[Any, About]:
    rows = Contributor.objects.filter(pk__in=ids).values_list("pk", "handle")
    return {pk: About(handle, f"/u/{handle}") for pk, handle in rows}


def _teams(ids: set[Any], actor: Contributor | None) -> Mapping[Any, About]:
    """Who may follow a team's changes reads its page."""
    return {
        pk: About(name, f"/teams/{slug}")
        for pk, name, slug in Team.objects.filter(pk__in=ids).values_list("pk", "name", "slug")
    }


def _terms(slugs: set[Any], actor: Contributor | None) -> Mapping[Any, About]:
    return {slug: About(slug, f"/t/{slug}") for slug in slugs}


LOOKED_UP = {
    "foothold": _footholds,
    "comment": _comments,
    "checkpoint": _checkpoints,
    "dataset": _datasets,
    "import": _imports,
    "contributor": _people,
    "team": _teams,
    "term": _terms,
}
