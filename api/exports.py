"""What people claim, as a file: everything its reader may see, streamed, in one order and one spelling."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.http import StreamingHttpResponse
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from api import query
from api.endpoint import Endpoint
from api.footholds import KINDS, STATES
from api.schema import operation
from atlas.dossiers import changes, exports

JSONL, CSV = "application/x-ndjson", "text/csv"


def exported(suffix: str, form: str, says: str, write: Callable[..., Iterator[Any]]) -> type[Endpoint]:
    """An endpoint that answers with a file of this form."""

    @operation(f"export_{suffix}", str, form=form)
    def get(self: Any, request: Request) -> StreamingHttpResponse:
        columns = {"checkpoint": "checkpoint__slug", "team": "team__slug", "kind": "kind", "source": "source"}
        wanted = {column: self.asked[name] for name, column in columns.items() if name in self.asked}
        as_of = changes.newest(self.actor)
        ids = exports.in_order(exports.chosen(self.actor, state=self.asked.get("state"), **wanted))
        file = write(ids, actor=self.actor, kind=self.asked.get("kind"))
        named = {"Content-Disposition": f'attachment; filename="footholds.{suffix}"', "As-Of-Change": str(as_of)}
        return StreamingHttpResponse(file, content_type=form, headers=named)

    get.__doc__ = says
    renderer = type("Renderer", (BaseRenderer,), {"media_type": form, "format": suffix, "charset": None})
    members = {"__doc__": says, "get": get, "renderer_classes": [renderer], "parameters": PARAMETERS, "streams": True}
    return type(f"Footholds{suffix.title()}", (Endpoint,), members)


def _jsonl(ids: Sequence[int], *, actor: Any, kind: str | None) -> Iterator[bytes]:
    return exports.jsonl(ids, actor=actor)


def _table(ids: Sequence[int], *, actor: Any, kind: str | None) -> Iterator[str]:
    return exports.table(ids, actor=actor, kinds=KINDS if kind is None else [kind])


PARAMETERS = {
    "checkpoint": query.text("Only about this checkpoint, by slug."),
    "team": query.text("Only of this team, by slug."),
    "kind": query.one_of("Only of this kind.", *KINDS),
    "state": query.one_of("Only in this state; else those that are neither drafts nor taken back.", *STATES),
    "source": query.text("Only those imported from this source."),
}
FootholdsLines = exported(
    "jsonl", JSONL, "The newest version of each foothold as a line of canonical JSON, to be imported elsewhere.", _jsonl
)
FootholdsTable = exported(
    "csv", CSV, "The same for spreadsheets: what they would compute is kept from that by an apostrophe.", _table
)
