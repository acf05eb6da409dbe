"""Registration is a line you can read: a registry is what is listed in it, under the names the entries bear."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol, TypeVar


class Named(Protocol):
    """Anything with a name."""

    @property
    def name(self) -> str:
        """What it is called."""


Entry = TypeVar("Entry", bound=Named)


def registry(kind: str, *entries: Entry) -> Mapping[str, Entry]:
    """A read-only mapping from name to entry; two of one name are a mistake in the list, raised at import."""
    named = {entry.name: entry for entry in entries}
    if len(named) != len(entries):
        raise ValueError(f"two entries of the {kind} registry bear the same name")
    return MappingProxyType(named)
