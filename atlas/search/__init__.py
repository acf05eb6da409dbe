"""What people type into the search box: read into a tree, printed back, and where it cannot be read, told where."""

from atlas.search.grammar import LONGEST, MOST_LEVELS, MOST_TERMS, parse
from atlas.search.nodes import (
    Address,
    All,
    Alternatives,
    Field,
    Graph,
    Node,
    Not,
    Phrase,
    Query,
    Word,
    all_of,
    any_of,
    written,
)
from atlas.search.spelling import closest, unreadable

__all__ = [
    "LONGEST",
    "MOST_LEVELS",
    "MOST_TERMS",
    "Address",
    "All",
    "Alternatives",
    "Field",
    "Graph",
    "Node",
    "Not",
    "Phrase",
    "Query",
    "Word",
    "all_of",
    "any_of",
    "closest",
    "parse",
    "unreadable",
    "written",
]
