"""What is recorded around a claim: its versions, verdicts and decisions. While a page is read, looked up once."""

from atlas.models import Foothold, Resolution, Review, Revision
from atlas.remembering import once

FEW = 8  # versions whose contents are read with them


def versions(foothold: Foothold) -> list[Revision]:
    """All of them, oldest first, with who made them; where they are many, what one says is read when it is asked."""

    def find() -> list[Revision]:
        rows = foothold.revisions.select_related("author", "byline").order_by("version")
        return list(rows if foothold.head_version <= FEW else rows.defer("content"))

    return once(("versions", foothold.pk), find)


def verdicts(foothold: Foothold) -> list[Review]:
    """All of them, those that others have superseded too."""
    return once(("verdicts", foothold.pk), lambda: list(foothold.reviews.select_related("reviewer", "team")))


def resolutions(foothold: Foothold) -> list[Resolution]:
    """What curators decided of disputes."""
    return once(("resolutions", foothold.pk), lambda: list(foothold.resolutions.select_related("curator")))
