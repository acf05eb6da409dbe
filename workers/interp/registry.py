"""Registration is a line you can read: a name, and what is found under it."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Protocol, TypeVar

from workers.interp.errors import InterpError, NoSuchArchitecture, NoSuchProbe

MISSING: Mapping[str, type[InterpError]] = {"architecture": NoSuchArchitecture, "probe": NoSuchProbe}


class Named(Protocol):
    """Anything with a name, a module included."""

    @property
    def name(self) -> str:
        """What it is registered under."""
        ...


Entry = TypeVar("Entry", bound=Named)


class Registry(Mapping[str, Entry]):
    """Entries of one kind by name, in the order in which they were written down."""

    def __init__(self, kind: str, *entries: Entry) -> None:
        self.kind = kind
        self._entries = {entry.name: entry for entry in entries}
        if len(self._entries) != len(entries):
            raise ValueError(f"two {kind}s have one name: {[entry.name for entry in entries]}")

    def __getitem__(self, name: str) -> Entry:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, name: str) -> Entry:
        """The entry of that name; raises NoSuchProbe (or its like), naming the closest."""
        if name not in self._entries:
            raise MISSING[self.kind](**{self.kind: name, "closest": closest(name, self._entries)})
        return self._entries[name]


def registry(kind: str, *entries: Entry) -> Registry[Entry]:
    """`PROBES = registry("probe", feature_visualization, activations)`; two of one name are refused."""
    return Registry(kind, *entries)


def closest(name: str, known: Mapping[str, object] | list[str] | tuple[str, ...], *, most: int = 3) -> list[str]:
    """The known names most like `name`, or simply the first ones."""
    names = list(known)
    return get_close_matches(name[:200], names, n=most, cutoff=0.4) or names[:most]
