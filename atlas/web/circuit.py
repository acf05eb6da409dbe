"""What a page shows of a circuit beside what it says: its figure, and whether its reader may arrange it."""

from typing import Any

from atlas.citing import licences, text
from atlas.citing.facts import Work
from atlas.dossiers import drawings
from atlas.dossiers.footholds import may_revise
from atlas.errors import NotAcceptable
from atlas.graphs import FORMATS, Print
from atlas.graphs.drawing import drawn
from atlas.graphs.paper import Imprint, sheet
from atlas.models import Contributor, Foothold

# Opened by itself it shows its own pictures, and does nothing else.
POLICY = "default-src 'none'; img-src data:; base-uri 'none'; frame-ancestors 'none'; sandbox"


def shown(row: Foothold, *, actor: Contributor | None, version: int | None = None) -> dict[str, Any]:
    """For a template; nothing of what is no circuit. An older version is looked at, and not arranged."""
    if row.kind != Foothold.Kind.CIRCUIT:
        return {}
    figure = drawings.figure(row, actor=actor, version=version)
    return {
        "figure": figure,
        "drawing": drawn(figure),
        "arranging": version is None and may_revise(row, actor),
    }


def printed(row: Foothold, work: Work, form: Print, *, actor: Contributor | None, version: int) -> bytes:
    """A version's figure as a file for a paper, with its citation; raises NotAcceptable of what is not drawn."""
    figure = drawings.figure(row, actor=actor, version=version)
    drawing = drawn(figure)
    if drawing is None:
        raise NotAcceptable(forms=", ".join([".json", *FORMATS]))
    written = form.write(sheet(drawing, _imprint(work)), pictures=drawings.bytes_of(figure))
    return written if isinstance(written, bytes) else written.encode()


def _imprint(work: Work) -> Imprint:
    return Imprint(
        title=work.title,
        citation=text.sentence(work).strip(),
        url=work.url,
        licence=work.licence,
        licence_url=licences.address_of(work.licence),
        authors=tuple(it.name for it in work.authors),
    )
