"""What the bodies about footholds name: found by one rule, and refused alike whether it is hidden or not there."""

from atlas.accessions import read as spelled
from atlas.belonging import memberships_of
from atlas.errors import EditConflict, Validation
from atlas.models import Checkpoint, Comment, Contributor, Foothold, Team, Term
from atlas.services import addresses, comments, footholds, teams, terms
from atlas.validation import named_at


def checkpoint(slug: str | None, *, actor: Contributor) -> Checkpoint | None:
    """The checkpoint that a body names; None where it names none."""
    return None if slug is None else addresses.readable_by(actor, slug, pointer="/checkpoint")


def team(slug: str | None, *, actor: Contributor) -> Team:
    """The team that a body names, or one's own space; the same fault for a hidden one and for none."""
    if slug is None:
        own = memberships_of(actor).filter(team__person=actor).select_related("team").first()
        if own is None:
            raise Validation(errors=[{"pointer": "/team", "code": "required", "detail": "Name a team."}])
        return own.team
    return known_team(slug, actor=actor)


def known_team(slug: str, *, actor: Contributor) -> Team:
    """The team that a body names."""
    with named_at("/team"):
        return teams.find(slug, actor=actor)


def foothold(accession: str, *, actor: Contributor, pointer: str) -> Foothold:
    """The foothold that a body names; the same fault for a hidden one and for none."""
    with named_at(pointer):
        return footholds.find(accession, actor=actor)


def comment(number: int, row: Foothold) -> Comment:
    """The comment of a foothold that a body answers."""
    with named_at("/reply_to"):
        return comments.find(row, str(number))


def term(slug: str, *, pointer: str) -> Term:
    """The term that a body names."""
    with named_at(pointer):
        return terms.find(slug)


def version(tag: str, row: Foothold) -> int:
    """The version in a version tag of this foothold; raises EditConflict for a tag of anything else."""
    accession, _, number = tag.rpartition(".")
    known = number.isascii() and number.isdigit() and 0 < len(number) < 8 and 1 <= int(number) <= row.head_version
    if spelled(accession) != row.accession or not known:
        raise EditConflict(seen=tag[:80], current=row.version_tag)
    return int(number)
