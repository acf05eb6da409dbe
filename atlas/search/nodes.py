"""What a query says, as a tree: each leaf knows where it was typed, and two that say the same are equal."""

from dataclasses import dataclass, field
from functools import singledispatch


@dataclass(frozen=True)
class Leaf:
    """Something looked for; `at` is where it begins in what was typed."""

    at: int = field(default=0, compare=False, kw_only=True)


@dataclass(frozen=True)
class Word(Leaf):
    """A word, or with `prefix` all words that begin with it."""

    text: str
    prefix: bool = False


@dataclass(frozen=True)
class Phrase(Leaf):
    """Words that follow each other."""

    text: str


@dataclass(frozen=True)
class Field(Leaf):
    """`name:value`; what the value may be is said in fields.py."""

    name: str
    value: str


@dataclass(frozen=True)
class Address(Leaf):
    """A neuron, `4c:447` or `curve-circuit/4c:447`."""

    text: str


@dataclass(frozen=True)
class Graph(Leaf):
    """Neurons that stand in a relation to one: `upstream(4c:447, top=20)`."""

    operator: str
    neuron: str
    top: int


@dataclass(frozen=True)
class Not:
    """Everything but this."""

    inner: "Node"


@dataclass(frozen=True)
class All:
    """What all parts say."""

    parts: "tuple[Node, ...]"


@dataclass(frozen=True)
class Alternatives:
    """What at least one part says."""

    parts: "tuple[Node, ...]"


Node = Word | Phrase | Field | Address | Graph | Not | All | Alternatives


@dataclass(frozen=True)
class Query:
    """What was typed, and what it says."""

    text: str = field(compare=False)
    root: Node


def all_of(*parts: Node) -> Node:
    """All of these, without a level that says nothing."""
    flat = tuple(inner for part in parts for inner in (part.parts if isinstance(part, All) else (part,)))
    return flat[0] if len(flat) == 1 else All(flat)


def any_of(*parts: Node) -> Node:
    """Any of these, without a level that says nothing."""
    flat = tuple(inner for part in parts for inner in (part.parts if isinstance(part, Alternatives) else (part,)))
    return flat[0] if len(flat) == 1 else Alternatives(flat)


@singledispatch
def written(node: Node) -> str:
    """The query that says this; read again, it is the same tree."""
    raise TypeError(node)


@written.register
def _(node: Word) -> str:
    return f"{node.text}*" if node.prefix else node.text


@written.register
def _(node: Phrase) -> str:
    return f'"{node.text}"'


@written.register
def _(node: Field) -> str:
    quoted = any(letter.isspace() or letter in '()"“”' for letter in node.value)
    return f'{node.name}:"{node.value}"' if quoted else f"{node.name}:{node.value}"


@written.register
def _(node: Address) -> str:
    return node.text


@written.register
def _(node: Graph) -> str:
    return f"{node.operator}({node.neuron}, top={node.top})"


@written.register
def _(node: Not) -> str:
    inner = written(node.inner)
    return f"-({inner})" if isinstance(node.inner, All | Alternatives) else f"-{inner}"


@written.register
def _(node: All) -> str:
    return " ".join(f"({written(part)})" if isinstance(part, Alternatives) else written(part) for part in node.parts)


@written.register
def _(node: Alternatives) -> str:
    return " OR ".join(written(part) for part in node.parts)
