"""Datasets: what there is to show checkpoints, picture by picture, and the door for pictures of one's own."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import OpenApiExample
from rest_framework.request import Request
from rest_framework.response import Response

from api import query, shapes
from api.endpoint import Endpoint
from api.idempotency import idempotent
from api.pagination import page, window
from api.parsers import NotYet
from api.schema import Written, operation
from api.uploads import OWNER, unreadable
from atlas import labels, uploads, validation
from atlas.dossiers import datasets as dossiers
from atlas.dossiers.bodies import body
from atlas.errors import DigestMismatch, Validation
from atlas.labels import Columns
from atlas.models import Dataset, Visibility
from atlas.services import datasets, drafts, gathering
from atlas.services.gathering import Gathered

ROOT = "/api/v1/datasets"
FILE, TABLE = "pictures", "labels"
COLUMN = {"type": "string", "maxLength": 200}
WANTED: Mapping[str, Any] = validation.closed(
    "Pictures in a ZIP archive, and what they are. Each part is sent once.",
    slug={"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{1,39}$", "description": "Its name, for ever."},
    title={"type": "string", "minLength": 1, "maxLength": 120, "description": "What it is, in a line."},
    pictures={
        "type": "string",
        "format": "binary",
        "description": "A ZIP archive of PNG, JPEG, WebP, BMP and GIF: at most 512 MiB and 5,000 files, each of one "
        "frame, 10 MiB, 16 million pixels and 8,192 pixels a side.",
    },
    optional={
        "licence": {"type": "string", "minLength": 1, "maxLength": 200, "default": gathering.NOT_STATED},
        "labels": {
            "type": "string",
            "description": "CSV with a row of names, as text or as a file: the columns file, and index or label, a "
            "number or a word; and words, class or label where the number has a name. Files may be left out.",
        },
        "file_column": {**COLUMN, "description": "Which column names the file, unless it is file."},
        "index_column": {**COLUMN, "description": "Which holds the label, unless it is index or label."},
        "name_column": {**COLUMN, "description": "Which names it, unless it is words, class or label."},
        "team": OWNER,
        "visibility": {
            "type": "string",
            "enum": Visibility.values,
            "description": "Who may read it; a team's is the team's unless this says otherwise.",
        },
        "whole": {
            "type": "string",
            "enum": ["true", "false"],
            "default": "false",
            "description": "Whether nothing is registered where a file is refused.",
        },
        "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "Of the archive: no other is taken."},
    },
)
SHOWN = {
    "slug": "kittens",
    "digest": "9f0c" * 16,
    "url": f"/d/{'9f0c' * 16}",
    "title": "Kittens and puppies",
    "kind": "images",
    "size": 2,
    "label_count": 2,
    "licence": "CC0-1.0",
    "team": "lab",
    "visibility": "team",
    "created_at": "2030-01-01T00:00:00.000Z",
    "labels": ["kitten", "puppy"],
    "unlabelled": 0,
    "spectra": [],
    "figures": [],
}
REFUSED = {"name": "notes.txt", "code": "image-format", "detail": "This is no picture that is taken here: …"}


class WantedDataset(Written):
    """Pictures that are to be a dataset."""

    judged_by = WANTED


class Datasets(Endpoint):
    """The datasets this reader may see, and the door for another."""

    parser_classes = [NotYet]
    counted = {"POST": "import"}
    parameters = {
        **query.PAGING,
        "kind": query.one_of("Only of this kind.", *Dataset.Kind.values),
        "team": query.text("Only of this team, by slug."),
        "ordering": query.one_of("By slug, ascending (the default) or descending.", "slug", "-slug"),
    }
    _given: dict[str, Any] | None = None
    _gathered: Gathered | None = None

    @operation("list_datasets", shapes.DatasetPage)
    def get(self, request: Request) -> Response:
        """List the datasets."""
        chosen = {"kind": self.asked.get("kind"), "team__slug": self.asked.get("team")}
        rows = dossiers.readable_by(self.actor).filter(**{name: it for name, it in chosen.items() if it})
        found, after = window(rows, by=self.asked.get("ordering", "slug"), asked=self.asked, request=request)
        return page(request, [dossiers.facts_of(row) for row in found], after=after)

    @operation(
        "add_dataset",
        shapes.Added,
        codes=(200, 201),
        given=WantedDataset,
        media_type=uploads.MULTIPART,
        examples=[OpenApiExample("registered", {**SHOWN, "refused": [REFUSED]}, response_only=True)],
        writes=True,
    )
    def post(self, request: Request) -> Response:
        """Send pictures. Each is decoded and kept as its pixels and nothing besides; what is refused is named.

        201 when there is a new dataset, 200 when the slug names these very pictures and labels already. Its digest is
        over those of the items' pixels, whatever the files are called and however they are packed.
        """
        given = self.received()
        table = labels.read(given["table"], columns=given["columns"]) if given["table"] else labels.Labels()
        # Before the transaction in which it is registered: pictures take their time, and nobody is to wait meanwhile.
        self._gathered = gathering.from_archive(given["file"], labels=table, most=gathering.MOST_SENT)
        return self._registered(request)

    @idempotent
    def _registered(self, request: Request) -> Response:
        assert self._gathered is not None
        row, new = gathering.add(actor=self.person, gathered=self._gathered, **self.received()["said"])
        found = dossiers.added(row, self._gathered, actor=self.person)
        place = {"Location": f"{ROOT}/{row.digest}"}
        return Response(body(found), status=201 if new else 200, headers=place)

    def identity(self) -> Any:
        """The fields, and the files by their bytes."""
        given = self.received()
        return [str(given["columns"]), given["sha256"], given["table"].decode("latin-1"), str(given["said"])]

    def received(self) -> dict[str, Any]:
        """What is sent; read once, and only from who may register for anybody at all."""
        if self._given is None:
            drafts.owners(self.person, verb="dataset.register")
            sent = self.request._request
            uploads.receive(sent, name=FILE, most=gathering.LARGEST_SENT, beside=TABLE)
            self._given = self._judged(sent)
        return self._given

    def _judged(self, sent: Any) -> dict[str, Any]:
        """The fields and files; raises Validation with all that is wrong, DigestMismatch."""
        given = {name: values[-1] for name, values in sent.POST.lists()}
        file, table = sent.FILES.get(FILE), sent.FILES.get(TABLE)
        whole = {**given, **({FILE: ""} if file is not None and FILE not in given else {})}
        errors = [*unreadable(sent.POST), *validation.faults(whole, dict(WANTED))]
        if FILE in given:
            errors.append({"pointer": f"/{FILE}", "code": "not-a-file", "detail": "Send it as a file, with a name."})
        if TABLE in given and table is not None:
            errors.append({"pointer": f"/{TABLE}", "code": "repeated", "detail": uploads.TWICE})
        if errors or file is None:
            raise Validation(errors=errors[: validation.MOST_ERRORS])
        if given.get("sha256", file.sha256) != file.sha256:
            raise DigestMismatch(found=file.sha256, declared=given["sha256"])
        said = {name: given[name] for name in ("slug", "title", "licence", "visibility") if name in given}
        said |= {"team": drafts.owner(given.get("team"), actor=self.person), "whole": given.get("whole") == "true"}
        return {
            "file": file.file,
            "sha256": file.sha256,
            "table": given.get(TABLE, "").encode() if table is None else table.read(labels.LARGEST + 1),
            "columns": Columns(*(given.get(f"{name}_column", "") for name in ("file", "index", "name"))),
            "said": said,
        }


class OneDataset(Endpoint):
    """One dataset."""

    @operation("read_dataset", shapes.Dataset, 404, examples=[OpenApiExample("a dataset", SHOWN, response_only=True)])
    def get(self, request: Request, digest: str) -> Response:
        """What it is, its labels, its spectra, and which checkpoints have figures on it."""
        return Response(body(dossiers.dataset(digest, actor=self.actor)))


class Items(Endpoint):
    """The items of a dataset."""

    parameters = {**query.PAGING, "label": query.number("Only with this label, by its index.")}

    @operation("list_items", shapes.ItemPage, 404)
    def get(self, request: Request, digest: str) -> Response:
        """List its pictures by digest, each with its label and the address of its bytes."""
        row = datasets.readable_by(self.actor, digest)
        rows = dossiers.items_of(row)
        rows = rows.filter(label=self.asked["label"]) if "label" in self.asked else rows
        found, after = window(rows, by="digest", asked=self.asked, request=request)
        return page(request, dossiers.item_facts(found, of=row), after=after)
