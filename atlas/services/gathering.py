"""From an archive or a folder to a registered dataset: each picture developed and kept, or refused by its name."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from atlas import archives, texts, validation
from atlas.archives import Entry, Refused, printable
from atlas.errors import AtlasError, ImageFormat, TooLarge, Validation
from atlas.labels import Labels
from atlas.models import Contributor, Dataset, Team, Visibility
from atlas.permissions import require
from atlas.services import artifacts, datasets, developing
from atlas.services.datasets import Item
from atlas.services.developing import Darkroom, Developed

# What a picture's name ends in; a table or a text beside the pictures is none, whatever it holds.
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")
LARGEST_SENT, MOST_SENT = 512 << 20, 5_000  # bytes and files of what is sent; the operator may add more
NOT_STATED = "not stated"  # of a licence
NO_PICTURE = "This is no picture that is taken here: PNG, JPEG, WebP, BMP or GIF, by its name and its first bytes."
ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"BZh", b"7z\xbc\xaf", b"Rar!", b"\xfd7zXZ")


@dataclass(frozen=True)
class Gathered:
    """The pictures that can be taken, the words for their labels, and what was refused."""

    items: list[Item]
    labels: tuple[str, ...]
    refused: list[Refused]

    @property
    def unlabelled(self) -> int:
        """How many pictures have no label."""
        return sum(item.label is None for item in self.items)


@dataclass
class _Gathering:
    labels: Labels
    items: dict[str, Item] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    rows: set[str] = field(default_factory=set)  # of the labels, of which there are files

    def refuse(self, name: str, code: str, detail: str) -> None:
        self.refused.append(Refused(printable(name), code, detail))

    def meet(self, name: str) -> None:
        """Note that there is a file of this name, whatever becomes of it."""
        row = self.labels.find(name)
        if row is not None:
            self.rows.add(row)

    def take(self, name: str, found: Developed) -> None:
        row = self.labels.find(name)
        if known := self.items.get(found.digest):
            self.refuse(name, "duplicate", f"Has the same pixels as {known.name}.")
            return
        artifact = artifacts.keep(found.data, media_type=found.media_type)
        label = None if row is None else self.labels.of[row]
        self.items[found.digest] = Item(found.digest, name, label, artifact)

    def done(self) -> Gathered:
        for row, line in self.labels.lines.items():
            if row not in self.rows:
                self.refuse(row, "no-file", f"Line {line} of the labels names it, and there is no such picture.")
        return Gathered([*self.items.values()], self.labels.names, self.refused)


def from_path(
    path: Path, *, labels: Labels, apart_from: Path | None = None, progress: Callable[[int], None] = lambda done: None
) -> Gathered:
    """The pictures of a folder or an archive of the operator's; `apart_from` is the table that lies among them."""
    if path.is_dir():
        listed = archives.in_folder(path)
        if apart_from is not None and apart_from.resolve().is_relative_to(path.resolve()):
            beside = apart_from.resolve().relative_to(path.resolve()).as_posix()
            listed = (entry for entry in listed if entry.name != beside)
        return gather(listed, labels=labels, progress=progress)
    try:
        opened = path.open("rb")
    except OSError as error:
        raise archives.refusal("not-found", f"{path} cannot be read: {error.strerror}.") from None
    with opened as file:
        return from_archive(file, labels=labels, progress=progress)


def from_archive(
    file: IO[bytes],
    *,
    labels: Labels,
    most: int = archives.MOST_FILES,
    progress: Callable[[int], None] = lambda done: None,
) -> Gathered:
    """The pictures of an archive; raises Validation where none of it can be read."""
    return gather(archives.in_zip(file, most=most), labels=labels, progress=progress)


def gather(
    listed: Iterable[Entry | Refused], *, labels: Labels, progress: Callable[[int], None] = lambda done: None
) -> Gathered:
    """Develop each picture and keep its bytes. One that cannot be taken is named, and the next one is looked at.

    Of pictures with the same pixels the first is taken. Bytes are kept before there is a dataset that shows them, one
    by one, so that nobody waits for the database meanwhile; without a dataset nobody may read them.
    """
    found = _Gathering(labels)
    with Darkroom() as darkroom:
        for done, entry in enumerate(listed, start=1):
            found.meet(entry.name)
            if isinstance(entry, Refused):
                found.refused.append(entry)
            else:
                _taken(entry, darkroom, found)
            progress(done)
    return found.done()


def add(
    *,
    actor: Contributor | None,
    gathered: Gathered,
    slug: str,
    title: str,
    licence: str = NOT_STATED,
    team: Team | None = None,
    visibility: str | None = None,
    whole: bool = False,
) -> tuple[Dataset, bool]:
    """Register what was gathered; (row, whether it is new). `actor` None is the operator at the command line.

    With `whole` nothing is registered where something was refused. Where nothing is said a team's dataset is for the
    team. Raises Forbidden, Validation, TextPolicy, RegisteredDifferently, RegisteredElsewhere.
    """
    if actor is not None:
        require(actor, "dataset.register", team)
    if not gathered.items or (whole and gathered.refused):
        raise Validation(errors=_said(gathered.refused))
    usual = Visibility.PUBLIC if team is None else Visibility.TEAM
    return datasets.register_or_find(
        actor=actor,
        slug=slug,
        items=gathered.items,
        kind=Dataset.Kind.IMAGES,
        title=texts.line(title, at="/title", longest=120),
        licence=texts.line(licence, at="/licence", longest=200),
        labels=[*gathered.labels],
        team=team,
        visibility=visibility or usual,
    )


def _said(refused: Iterable[Refused]) -> list[dict[str, str]]:
    """Why nothing is registered, as faults of the request."""
    found = [
        {"pointer": f"/pictures/{validation.escaped(it.name)}", "code": it.code, "detail": f"{it.name}: {it.detail}"}
        for it in refused
    ]
    none = {"pointer": "/pictures", "code": "empty", "detail": "There is no picture in it."}
    return found[: validation.MOST_ERRORS] or [none]


def _taken(entry: Entry, darkroom: Darkroom, found: _Gathering) -> None:
    """One picture, or why not."""
    try:
        developed = _developed(entry, darkroom)
    except ImageFormat as error:
        found.refuse(entry.name, error.slug(), NO_PICTURE)
    except AtlasError as error:
        if error.fault == "ours":
            raise
        found.refuse(entry.name, error.slug(), str(error))
    except archives.BROKEN as error:
        found.refuse(entry.name, "broken", f"It cannot be read: {str(error)[:100]}.")
    else:
        if developed is None:
            found.refuse(entry.name, "archive", "It is an archive itself; nothing in it is looked at.")
        else:
            found.take(entry.name, developed)


def _developed(entry: Entry, darkroom: Darkroom) -> Developed | None:
    """The picture, read as far as it takes to know that it is none, or too large; None for an archive."""
    if entry.size > developing.LARGEST:
        raise TooLarge(most=developing.LARGEST)
    with entry.open() as file:
        head = file.read(developing.HEAD)
        if head.startswith(ARCHIVES):
            return None
        if developing.format_of(head) is None or not entry.name.lower().endswith(SUFFIXES):
            raise ImageFormat()
        return darkroom.develop(head + file.read(developing.LARGEST + 1 - len(head)))
