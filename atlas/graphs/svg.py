"""A figure as one SVG file that needs no other: pictures within, nothing active, all that people typed as text."""

import base64
import html
from collections.abc import Iterator, Mapping

from atlas.graphs.drawing import TIPS, Drawing, Spot, Tie, path_of
from atlas.graphs.facts import Picture
from atlas.graphs.graphml import UNSPEAKABLE
from atlas.graphs.paper import MARGIN, Sheet
from atlas.graphs.routes import number

COLOURS = {"positive": "#b3261e", "negative": "#1a56a8", "mixed": "#762a83", "unsigned": "#5c5953"}
INK, SOFT, PLATE = "#1c1b19", "#5c5953", "#f6f5f3"
FONTS = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<svg xmlns="http://www.w3.org/2000/svg" '
    'xmlns:dcterms="http://purl.org/dc/terms/" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
    'role="img" aria-labelledby="title desc" font-family="{fonts}">\n'
)


def document(page: Sheet, *, pictures: Mapping[str, bytes]) -> str:
    """The page; of pictures by hash that are not there a blank plate says so. Equal facts, equal bytes."""
    size = {"width": number(page.width), "height": number(page.height), "fonts": FONTS}
    lines = [*_imprint(page), *_drawing(page.drawing, pictures, left=page.left), *_words(page)]
    return HEAD.format(**size) + "".join(f"{line}\n" for line in lines) + "</svg>\n"


def _imprint(page: Sheet) -> Iterator[str]:
    said = page.imprint
    yield f'<title id="title">{_text(said.title)}</title>'
    yield f'<desc id="desc">{_text(" ".join([page.legend, *(spot.says for spot in page.drawing.spots)]))}</desc>'
    yield "<metadata>"
    yield f"<dcterms:title>{_text(said.title)}</dcterms:title>"
    for author in said.authors:
        yield f"<dcterms:creator>{_text(author)}</dcterms:creator>"
    yield f"<dcterms:identifier>{_text(said.url)}</dcterms:identifier>"
    yield f"<dcterms:bibliographicCitation>{_text(said.citation)}</dcterms:bibliographicCitation>"
    yield f"<dcterms:license>{_text(said.licence_url)}</dcterms:license>"
    yield "</metadata>"


def _drawing(drawing: Drawing, pictures: Mapping[str, bytes], *, left: float) -> Iterator[str]:
    yield '<rect width="100%" height="100%" fill="#fff"/>'
    yield f'<g transform="translate({number(left)} 0)" text-anchor="middle" font-size="11">'
    for head, x in drawing.heads:
        yield f'<text x="{number(x)}" y="20" font-size="12" fill="{SOFT}">{_text(head)}</text>'
    for tie in drawing.ties:
        yield _line(tie)
    for tie in drawing.ties:
        yield from _mark(tie, drawing, pictures)
    for spot in drawing.spots:
        yield from _spot(spot, drawing, pictures)
    yield "</g>"


def _line(tie: Tie) -> str:
    colour, dashed = COLOURS[tie.polarity], "" if tie.measure else ' stroke-dasharray="6 4"'
    x, y = tie.tip
    return (
        f'<g fill="{colour}"><path d="{tie.route.path}" fill="none" stroke="{colour}" stroke-opacity="0.62" '
        f'stroke-width="{number(tie.width)}"{dashed}/>'
        f'<path d="{path_of(TIPS[tie.polarity])}" transform="translate({number(x)} {number(y)})"/></g>'
    )


def _mark(tie: Tie, drawing: Drawing, pictures: Mapping[str, bytes]) -> Iterator[str]:
    if not tie.shown:
        return
    colour, half = COLOURS[tie.polarity], drawing.kernel / 2
    yield f'<g transform="translate({number(tie.mark[0])} {number(tie.mark[1])})">'
    shift = ""
    if tie.room and tie.measure and tie.measure.kernel:
        yield _square(drawing.kernel, f'fill="#fff" stroke="{colour}" stroke-width="3"')
        yield _image(tie.measure.kernel, drawing.kernel, pictures, more=' image-rendering="pixelated"')
        shift = f' transform="translate({number(-half)} {number(-half)})"'
    yield (
        f'<g{shift}><circle r="6.5" fill="#fff" stroke="{colour}" stroke-width="1.3"/>'
        f'<text y="3.8" font-weight="700" fill="{colour}">{tie.shown}</text></g></g>'
    )


def _spot(spot: Spot, drawing: Drawing, pictures: Mapping[str, bytes]) -> Iterator[str]:
    yield f'<g transform="translate({number(spot.x)} {number(spot.y)})">'
    yield _square(drawing.side, f'fill="{PLATE}" stroke="#e2dfda"')
    chosen = next((it for it in (spot.neuron.picture, spot.neuron.thumbnail) if it and it.sha256 in pictures), None)
    if chosen:
        yield _image(chosen, drawing.side, pictures)
    else:
        yield f'<text y="4" font-size="9" fill="{SOFT}">no picture</text>'
    for place, line in enumerate(spot.caption):
        look = f'fill="{SOFT}"' if place else f'fill="{INK}" font-weight="600"'
        yield f'<text y="{number(drawing.under + 13 * place)}" {look}>{_text(line)}</text>'
    yield "</g>"


def _square(side: float, look: str) -> str:
    half, whole = number(-side / 2), number(side)
    return f'<rect x="{half}" y="{half}" width="{whole}" height="{whole}" {look}/>'


def _image(picture: Picture, side: float, pictures: Mapping[str, bytes], *, more: str = "") -> str:
    data = pictures.get(picture.sha256)
    if data is None:
        return ""
    held = f"data:{picture.media_type};base64,{base64.b64encode(data).decode()}"
    half, whole = number(-side / 2), number(side)
    return f'<image x="{half}" y="{half}" width="{whole}" height="{whole}"{more} href="{held}"/>'


def _words(page: Sheet) -> Iterator[str]:
    yield f'<g font-size="11" fill="{SOFT}">'
    for line in page.lines:
        look = f' font-size="13" font-weight="700" fill="{INK}"' if line.strong else ""
        yield f'<text x="{number(MARGIN)}" y="{number(line.y)}"{look}>{_text(line.text)}</text>'
    yield "</g>"


def _text(value: str) -> str:
    """As text and as nothing else; what XML cannot hold stands as the replacement character."""
    return html.escape(UNSPEAKABLE.sub("\ufffd", value), quote=True)
