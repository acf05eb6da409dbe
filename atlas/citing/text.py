"""A citation as a person reads it: one line to paste into a text."""

from atlas.citing.facts import Author, Work
from atlas.citing.names import parts_of

MOST_NAMES = 6  # with more, these and “et al.”; the files name all
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def sentence(work: Work) -> str:
    """Authors. Title, version. Publisher, date. Address (what identifies it)."""
    named = f"{work.title}, version {work.version}" if work.version else work.title
    issued = work.issued
    dated = f", {issued.day} {MONTHS[issued.month - 1]} {issued.year}" if issued else ""
    identified = f" ({work.note})" if work.note else ""
    said = [authors(work.authors), named, work.publisher + dated, work.url + identified]
    return " ".join(_ended(part) for part in said if part) + "\n"


def authors(every: tuple[Author, ...]) -> str:
    """The names, family first; beyond the first few, et al."""
    names = [parts_of(one).inverted for one in every[:MOST_NAMES]]
    return "; ".join(names) + (" et al." if len(every) > MOST_NAMES else "")


def _ended(part: str) -> str:
    return part if part.endswith((".", "?", "!")) else f"{part}."
