"""Whose words a version of a foothold holds, and why they are listed in that order."""

from dataclasses import dataclass
from functools import lru_cache

from atlas.authorship import Edit, Share, shares
from atlas.contents import CONTENTS, hand
from atlas.models import Foothold, Revision
from atlas.services import around

MOST_KEPT = 4_000  # versions of which a process remembers whose words they hold


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
    """Whose words the version holds, by surviving characters; as they signed last, and are called today."""
    walked = [it for it in around.versions(row) if it.version <= version]
    signed, last = {it.author_id: it for it in walked}, walked[-1]
    if len(walked) == 1:
        found = tuple(shares([Edit(last.author_id, hand.write(last.content, CONTENTS[row.kind]))]))
    else:
        found = _shares(row.accession, version, last.content_sha256, last.author_id)
    return tuple(_facts(signed[it.contributor], it) for it in found)


def _facts(signed: Revision, share: Share[int]) -> AuthorFacts:
    person = signed.author
    return AuthorFacts(
        handle=person.handle,
        name=signed.signed,
        orcid=person.orcid,
        url=f"/u/{person.handle}",
        erased=person.erased_at is not None,
        characters=share.characters,
        of=share.of,
        since=share.since,
    )


@lru_cache(maxsize=MOST_KEPT)
def _shares(accession: str, version: int, sha256: str, author: int) -> tuple[Share[int], ...]:
    """What is the same for ever, and takes a second to find where fifty long versions have to be compared.

    With its hash and author, because where a version was rolled back there may be another one day.
    """
    walked = Revision.objects.filter(foothold__accession=accession, version__lte=version).order_by("version")
    said = walked.values_list("author", "content", "foothold__kind")
    return shares([Edit(author, hand.write(content, CONTENTS[kind])) for author, content, kind in said])
