"""What texts have to contain, in words: the one form that both databases are handed, each in its own spelling."""

from dataclasses import dataclass
from operator import or_

# Characters for private use: no text's words have them, because they are no letters.
TERM, PERSON, NEURON, BREAK = "\ue000", "\ue001", "\ue002", "\ue003"


@dataclass(frozen=True)
class Run:
    """Words that follow each other; with `prefix` the last one may go on."""

    words: tuple[str, ...]
    prefix: bool = False


@dataclass(frozen=True)
class Every:
    """All of these."""

    parts: "tuple[Match, ...]"


@dataclass(frozen=True)
class Some:
    """At least one of these."""

    parts: "tuple[Match, ...]"


Match = Run | Every | Some


def fts5(match: Match, *, column: str = "") -> str:
    """As SQLite's FTS5 reads it, in one column or in any. Words have no quotes, so nothing is left to escape."""
    if isinstance(match, Run):
        said = f'"{" ".join(match.words)}"' + (" *" if match.prefix else "")
        return f"{column} : {said}" if column else said
    return _joined(" AND " if isinstance(match, Every) else " OR ", [fts5(it, column=column) for it in match.parts])


def tsquery(match: Match) -> str:
    """As PostgreSQL reads it."""
    if isinstance(match, Run):
        *before, last = (f"'{word}'" for word in match.words)
        return " <-> ".join([*before, f"{last}:*" if match.prefix else last])
    return _joined(" & " if isinstance(match, Every) else " | ", [f"({tsquery(it)})" for it in match.parts])


def is_rare(match: Match) -> bool:
    """Whether few texts can have it, because it is about some neuron."""
    if isinstance(match, Run):
        return match.words[0].startswith(NEURON)
    rare = [is_rare(part) for part in match.parts]
    if isinstance(match, Every):
        return any(rare)
    written = [isinstance(part, Run) and len(part.words) > 1 for part in match.parts]  # its address, in a text
    return any(rare) and all(map(or_, rare, written))


def _joined(operator: str, parts: list[str]) -> str:
    return f"({operator.join(parts)})"
