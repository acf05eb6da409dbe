"""Brings pictures of the operator's own into the atlas, so that checkpoints can be asked about them."""

import re
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from atlas import labels
from atlas.acting import acting
from atlas.errors import AtlasError, Validation
from atlas.labels import Columns, Labels
from atlas.models import Dataset, Team, Visibility
from atlas.services import gathering, teams
from atlas.services.gathering import Gathered


class Command(BaseCommand):
    """Register the pictures of a folder or a ZIP archive as a dataset; safe to run any number of times."""

    help = "Register pictures as a dataset: manage.py add_dataset FOLDER|ZIP --labels CSV --licence CC0-1.0"
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What, under which name, with what said of it."""
        parser.add_argument("pictures", type=Path, help="a folder, or a ZIP archive, of PNG, JPEG, WebP, BMP and GIF")
        parser.add_argument("--labels", type=Path, help="CSV: the columns file, and index or label")
        parser.add_argument("--file-column", default="", help="which column names the file, unless it is file")
        parser.add_argument("--index-column", default="", help="which holds the label, unless it is index or label")
        parser.add_argument("--name-column", default="", help="which names it, unless it is words, class or label")
        parser.add_argument("--slug", help="its name in addresses, for ever; made of the folder's, unless it is said")
        parser.add_argument("--title", help="what it is, in a line; the folder's name, unless it is said")
        parser.add_argument("--licence", default=gathering.NOT_STATED, help="under which its pictures may be used")
        parser.add_argument("--team", help="whose it is, by slug; the atlas's own, unless it is said")
        parser.add_argument("--private", action="store_true", help="for that team alone to read")
        parser.add_argument("--whole", action="store_true", help="register nothing where a picture is refused")

    def handle(self, *args: Any, **options: Any) -> None:
        """Register, and name each picture that was not taken; or say in one sentence why nothing was."""
        if options["private"] and not options["team"]:
            raise CommandError("--private needs --team: somebody has to be able to read it")
        try:
            with acting(lambda: None):
                gathered, row, new = self._added(**options)
        except Validation as error:
            said = "\n  ".join(fault["detail"] for fault in error.errors)
            raise CommandError(f"nothing is registered.\n  {said}") from error
        except AtlasError as error:
            raise CommandError(str(error)) from error
        self._list(f"  not taken: {it.name}: {it.detail} ({it.code})" for it in gathered.refused)
        verb = "is registered" if new else "was registered already"
        unlabelled = f", {gathered.unlabelled} of them without a label" if row.labels else ""
        self.stdout.write(f"{row.slug} {verb}: {row.size} pictures{unlabelled}, digest {row.digest}")

    def _added(self, *, pictures: Path, labels: Path | None, **options: Any) -> tuple[Gathered, Dataset, bool]:
        team = Team.objects.filter(slug=options["team"]).first() if options["team"] else None
        if options["team"] and team is None:
            teams.find(options["team"], actor=None)
        gathered = gathering.from_path(
            pictures, labels=_read(labels, options), apart_from=labels, progress=self._counted
        )
        row, new = gathering.add(
            actor=None,
            gathered=gathered,
            slug=options["slug"] or _slug(pictures),
            title=options["title"] or pictures.resolve().stem,
            licence=options["licence"],
            team=team,
            visibility=Visibility.TEAM if options["private"] else Visibility.PUBLIC,
            whole=options["whole"],
        )
        return gathered, row, new

    def _counted(self, done: int) -> None:
        if done % 500 == 0:
            self.stdout.write(f"  {done} files are looked at")

    def _list(self, lines: Any) -> None:
        for line in lines:
            self.stdout.write(line)


def _read(path: Path | None, options: dict[str, Any]) -> Labels:
    if path is None:
        return Labels()
    columns = Columns(options["file_column"], options["index_column"], options["name_column"])
    try:
        with path.open("rb") as file:
            return labels.read(file.read(labels.LARGEST + 1), columns=columns)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}") from None


def _slug(pictures: Path) -> str:
    """From what a folder is called: lower-case letters, digits and dashes."""
    bare = re.sub(r"[^a-z0-9]+", "-", pictures.resolve().stem.lower()).strip("-")
    return bare[:40].strip("-")
