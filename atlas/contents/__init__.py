"""What footholds say, by kind: schema, what never changes, what is named in it. A new kind is a file and a line."""

from collections.abc import Mapping
from typing import Any

from atlas.contents.circuit import CIRCUIT
from atlas.contents.collection import COLLECTION
from atlas.contents.description import DESCRIPTION
from atlas.contents.evidence import EVIDENCE
from atlas.contents.link import LINK
from atlas.contents.pieces import PROSE, Content, Mention, Path

CONTENTS: Mapping[str, Content] = {
    content.kind: content for content in (DESCRIPTION, LINK, EVIDENCE, CIRCUIT, COLLECTION)
}
BY_LETTER: Mapping[str, Content] = {content.letter: content for content in CONTENTS.values()}


def replaced(value: Any, path: Path, by: Any) -> Any:
    """A copy of a content in which another value stands at `path`."""
    if not path:
        return by
    first, *rest = path
    copy: Any = list(value) if isinstance(value, list) else dict(value)
    copy[first] = replaced(value[first], tuple(rest), by)
    return copy


__all__ = ["BY_LETTER", "CONTENTS", "PROSE", "Content", "Mention", "replaced"]
