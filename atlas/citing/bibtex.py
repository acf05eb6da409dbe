"""BibTeX, as LaTeX reads it: what TeX takes for a command is spelled out, all other letters stay as they are."""

import re

from atlas.citing.facts import Author, Work
from atlas.citing.names import parts_of

# A brace is never written as `\{`: BibTeX counts braces before TeX sees the backslash, and would find no end.
SPELLED = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\textbraceleft{}",
        "}": r"\textbraceright{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        **{letter: f"\\{letter}" for letter in "$&#%_"},
    }
)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
NOT_IN_A_KEY = re.compile(r"[^A-Za-z0-9:./+_-]")


def entry(work: Work) -> str:
    """The work as a `@misc` entry, which every style knows."""
    fields = "".join(f",\n  {name} = {value}" for name, value in _fields(work) if value != "{}")
    return f"@misc{{{NOT_IN_A_KEY.sub('-', work.key)}{fields}\n}}\n"


def escaped(text: str) -> str:
    """Text as TeX prints it."""
    return text.translate(SPELLED)


def author(who: Author) -> str:
    """`von Last, Jr., First`; braces keep together what BibTeX would take apart."""
    name = parts_of(who)
    if name.whole:
        return f"{{{escaped(name.family)}}}"
    family = escaped(name.family)
    words = name.family.split()
    if len(words) > 1 and not all(word[0].isupper() for word in words):
        family = f"{{{family}}}"  # Rivera y Cruz: of small words BibTeX makes a particle
    last = f"{escaped(name.particle)} {family}".strip()
    return ", ".join(part for part in (last, escaped(name.suffix), escaped(name.given)) if part)


def _fields(work: Work) -> list[tuple[str, str]]:
    dated = [("year", f"{{{work.issued.year}}}"), ("month", MONTHS[work.issued.month - 1])] if work.issued else []
    title = f"{{{escaped(work.title)}}}"
    return [
        ("author", f"{{{' and '.join(author(one) for one in work.authors)}}}"),
        ("key", "{}" if work.authors else title),  # what styles sort by when nobody signed
        ("title", f"{{{title}}}"),
        *dated,
        ("version", f"{{{work.version or ''}}}"),
        ("publisher", f"{{{escaped(work.publisher)}}}"),
        ("howpublished", f"{{\\url{{{work.url}}}}}"),
        ("url", f"{{{work.url}}}"),
        ("note", f"{{{escaped(work.note)}}}"),
    ]
