"""From text to tree by recursive descent: bounded in length, terms and depth, and never at a loss for where it stopped.

query    = all ("OR" all)*
all      = one+                       "AND" between them says nothing new
one      = "-" one | "NOT" one | "(" query ")" | phrase | field | operator | address | word
phrase   = '"' … '"'                  field = name ":" (value | phrase)
operator = name "(" address ["," "top=" number] ")"
"""

import re

from atlas.errors import MalformedQuery
from atlas.search.fields import FIELDS, span
from atlas.search.nodes import Address, Field, Graph, Node, Not, Phrase, Query, Word, all_of, any_of
from atlas.search.spelling import closest, unreadable
from atlas.search.words import words

LONGEST, MOST_TERMS, MOST_LEVELS = 1_000, 50, 20
SHORTEST_PREFIX = 2
OPERATORS = ("upstream", "downstream", "similar")
TOP, MOST_TOP = 20, 200

CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
RUN = re.compile(r'[^\s()"“”]+')
QUOTED = re.compile('"(?P<plain>[^"]*)"|“(?P<curly>[^"”]*)["”]')
KEYWORD = re.compile(r'(?:OR|AND|NOT)(?=[\s()"“”]|$)')
ADDRESS = re.compile(r"(?:[a-z0-9][a-z0-9-]*/)?[A-Za-z0-9][A-Za-z0-9_.]*:[0-9]{1,9}", re.ASCII)
NAME = re.compile(r"[A-Za-z][A-Za-z_-]*", re.ASCII)
ARGUMENT = re.compile(r"\s*top\s*=\s*([0-9]{1,3})\s*", re.ASCII)


def parse(text: str) -> Query:
    """What a query says; raises MalformedQuery, whatever else was typed."""
    if len(text) > LONGEST:
        raise unreadable(text, LONGEST, f"it has more than {LONGEST} characters")
    if control := CONTROL.search(text):
        raise unreadable(text, control.start(), "this character cannot be read")
    return Query(text, _Reader(text).query())


class _Reader:
    """What is left to read of a query."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.terms = 0
        self.levels = 0

    def query(self) -> Node:
        """All of it."""
        found = self.alternatives()
        if self.at < len(self.text):
            raise self.fault(self.at, "this bracket closes nothing")
        if found is None:
            raise self.fault(0, "there is nothing to look for")
        return found

    def alternatives(self) -> Node | None:
        """Up to the end or a closing bracket; None when there is not a word in it."""
        found, asked = [self.every()], None
        while self.keyword() == "OR":
            asked = self.at
            if found[-1] is None:
                raise self.fault(asked, "OR stands between two things that are looked for")
            self.at += len("OR")
            found.append(self.every())
        if asked is not None and found[-1] is None:
            raise self.fault(asked, "OR stands between two things that are looked for")
        return any_of(*(part for part in found if part is not None)) if found[-1] is not None else None

    def every(self) -> Node | None:
        """Up to an OR, the end or a closing bracket."""
        found = []
        while self.keyword() != "OR" and self.peek() not in ("", ")"):
            part = self.one()
            if part is not None:
                found.append(part)
        return all_of(*found) if found else None

    def one(self) -> Node | None:
        """One thing; None for what has neither letter nor digit, such as a dash between words."""
        start = self.at
        keyword = self.keyword()
        if keyword == "AND":
            self.at += len(keyword)
            return None
        if keyword == "NOT" or (self.peek() == "-" and self.text[start + 1 : start + 2].strip()):
            self.at += len(keyword or "-")
            return self.negated(start)
        if self.peek() == "(":
            return self.group()
        self.terms += 1
        if self.terms > MOST_TERMS:
            raise self.fault(start, f"it looks for more than {MOST_TERMS} things")
        if self.peek() in '"“”':
            return self.phrase()
        return self.run()

    def negated(self, start: int) -> Node | None:
        """What follows a minus."""
        self.deeper(start)
        inner = self.one() if self.peek() not in ("", ")") else None
        self.levels -= 1
        return None if inner is None else Not(inner)

    def group(self) -> Node | None:
        """What stands in brackets."""
        start = self.at
        self.deeper(start)
        self.at += 1
        inner = self.alternatives()
        if self.peek() != ")":
            raise self.fault(start, "this bracket is never closed")
        self.at += 1
        self.levels -= 1
        return inner

    def phrase(self) -> Node | None:
        """Words in quotes."""
        start, text = self.at, self.quoted()
        return Phrase(text, at=start) if words(text) else None

    def quoted(self) -> str:
        """What stands in quotes."""
        matched = QUOTED.match(self.text, self.at)
        if not matched:
            raise self.fault(self.at, "this quote is never closed")
        self.at = matched.end()
        return matched["plain"] if matched["plain"] is not None else matched["curly"]

    def run(self) -> Node | None:
        """What stands between spaces: a field, an operator, an address or a word."""
        start, matched = self.at, RUN.match(self.text, self.at)
        assert matched is not None
        said = matched[0]
        self.at = matched.end()
        name, colon, value = said.partition(":")
        opens = self.text[self.at : self.at + 1]
        if opens == "(" and NAME.fullmatch(said) and (said.lower() in OPERATORS or closest(said, OPERATORS)):
            return self.operator(start, said)
        if colon and name.lower() in FIELDS:
            return self.field(start, name.lower(), value)
        if ADDRESS.fullmatch(said):
            return Address(said, at=start)
        if NAME.fullmatch(name) and (value or (colon and opens in ('"', "“"))):
            reason = f"there is no field {name[:40]!r}; to look for these words, put them in quotes"
            raise self.fault(start, reason, closest(name, FIELDS))
        return self.word(start, said)

    def word(self, start: int, said: str) -> Node | None:
        """A word, or the beginning of one."""
        text, prefix = said.removesuffix("*"), said.endswith("*")
        found = words(text)
        if found and prefix and len(found[-1]) < SHORTEST_PREFIX:
            raise self.fault(start, f"before * stand at least {SHORTEST_PREFIX} letters")
        return Word(text, prefix, at=start) if found else None

    def field(self, start: int, name: str, value: str) -> Node:
        """A field and its value, once it is one of those there are."""
        at, spec = start + len(name) + 1, FIELDS[name]
        if not value and self.text[self.at : self.at + 1] in ('"', "“") and self.at < len(self.text):
            value = self.quoted()
        value = value.strip()
        if not value:
            raise self.fault(at, f"{name}: wants a value")
        if spec.what == "choice":
            return Field(name, self.choice(at, value, spec.choices), at=start)
        if spec.what in ("number", "date"):
            try:
                span(spec.what, value)
            except ValueError as error:
                raise self.fault(at, f"{name} {error}") from None
        if spec.what == "unit" and not ADDRESS.fullmatch(value):
            raise self.fault(at, "a neuron is written layer:channel, as in 4c:447")
        return Field(name, value, at=start)

    def choice(self, at: int, value: str, choices: tuple[str, ...]) -> str:
        """One of a few words, in our spelling."""
        by_key = {one.casefold(): one for one in choices}
        if value.casefold() not in by_key:
            reason = f"{value[:40]!r} is none of {', '.join(choices)}"
            raise self.fault(at, reason, closest(value, choices))
        return by_key[value.casefold()]

    def operator(self, start: int, name: str) -> Node:
        """An operator with the neuron it starts from."""
        if name.lower() not in OPERATORS:
            raise self.fault(start, f"there is no operator {name[:40]!r}", closest(name, OPERATORS))
        end = self.text.find(")", self.at)
        if end < 0:
            raise self.fault(self.at, "this bracket is never closed")
        inside, self.at = self.at + 1, end + 1
        neuron, comma, more = self.text[inside:end].partition(",")
        if not ADDRESS.fullmatch(neuron.strip()):
            raise self.fault(inside, f"{name} starts from a neuron, as in {name.lower()}(4c:447)")
        matched = ARGUMENT.fullmatch(more)
        top = int(matched[1]) if matched else TOP
        if (comma and not matched) or not 1 <= top <= MOST_TOP:
            raise self.fault(inside + len(neuron) + 1, f"after the neuron may stand top=1 to top={MOST_TOP}")
        return Graph(name.lower(), neuron.strip(), top, at=start)

    def peek(self) -> str:
        """The next character that is no space; "" at the end."""
        while self.text[self.at : self.at + 1].isspace():
            self.at += 1
        return self.text[self.at : self.at + 1]

    def keyword(self) -> str:
        """OR, AND or NOT, if it stands here."""
        self.peek()
        matched = KEYWORD.match(self.text, self.at)
        return matched[0] if matched else ""

    def deeper(self, start: int) -> None:
        """One level down."""
        self.levels += 1
        if self.levels > MOST_LEVELS:
            raise self.fault(start, f"it is nested deeper than {MOST_LEVELS} levels")

    def fault(self, at: int, reason: str, meant: list[str] | tuple[str, ...] = ()) -> MalformedQuery:
        """What is wrong here."""
        return unreadable(self.text, at, reason, did_you_mean=meant)
