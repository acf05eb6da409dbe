"""Whose words a version of a foothold holds, and why they are listed in that order."""

from collections.abc import Sequence
from dataclasses import dataclass

from atlas.authorship import Edit, shares
from atlas.contents import CONTENTS, hand
from atlas.models import Foothold, Revision


@dataclass(frozen=True, slots=True)
class AuthorFacts:
    """Somebody whose words a version holds, and how many characters of them, of how many in all."""

    handle: str
    name: str
    orcid: str
    url: str
    erased: bool
    characters: int
    of: int
    since: int  # the first version they made


def authors_of(row: Foothold, version: int) -> tuple[AuthorFacts, ...]:
    """Whose words the version holds, by surviving characters; in one query for all versions up to it."""
    walked = row.revisions.filter(version__lte=version).select_related("author", "byline").order_by("version")
    return _authors(list(walked), row.kind)


def _authors(walked: Sequence[Revision], kind: str) -> tuple[AuthorFacts, ...]:
    edits = [Edit(it.author_id, hand.write(it.content, CONTENTS[kind])) for it in walked]
    people = {it.author_id: it for it in walked}  # as they signed last
    found = []
    for share in shares(edits):
        signed, person = people[share.contributor], people[share.contributor].author
        found.append(
            AuthorFacts(
                handle=person.handle,
                name=signed.signed,
                orcid=person.orcid,
                url=f"/u/{person.handle}",
                erased=person.erased_at is not None,
                characters=share.characters,
                of=share.of,
                since=share.since,
            )
        )
    return tuple(found)
