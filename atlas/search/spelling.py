"""What somebody meant who typed something else, and how they are told."""

from collections.abc import Iterable
from difflib import SequenceMatcher

from atlas.errors import MalformedQuery

ENOUGH = 0.6  # of SequenceMatcher's ratio; below it a suggestion is a guess
AROUND = 30  # characters shown on either side of a fault


def closest(meant: str, known: Iterable[str], *, most: int = 3) -> list[str]:
    """The known words most like this one, the closest first; none when none is like it."""
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(meant.casefold())
    scored = []
    for word in known:
        matcher.set_seq1(word.casefold())
        # The two quick bounds spare most of the work: they are never below the ratio.
        if matcher.real_quick_ratio() >= ENOUGH and matcher.quick_ratio() >= ENOUGH:
            scored.append((-matcher.ratio(), word))
    return [word for score, word in sorted(scored)[:most] if -score >= ENOUGH]


def unreadable(text: str, at: int, reason: str, *, did_you_mean: Iterable[str] = ()) -> MalformedQuery:
    """The error that says where in a query the fault lies, shows it, and names what is closest."""
    meant = list(did_you_mean)
    return MalformedQuery(
        reason=reason,
        position=at,
        excerpt=excerpt(text, at),
        did_you_mean=meant,
        advice=f" Did you mean {' or '.join(meant)}?" if meant else "",
    )


def excerpt(text: str, at: int) -> list[str]:
    """Two lines: what was typed around the fault, and a caret under it."""
    start = max(0, at - AROUND)
    around = text[start : at + AROUND]
    shown = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in around)
    return [shown, " " * (at - start) + "^"]
