"""A figure as a PNG of twice the size it has on a screen: the same drawing, its citation in the file's own text."""

import io
import math
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from PIL import Image, ImageColor, ImageDraw, ImageFont, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from atlas.graphs.drawing import TIPS, Spot, Tie
from atlas.graphs.facts import Picture
from atlas.graphs.layout import Point
from atlas.graphs.paper import MARGIN, Sheet
from atlas.graphs.svg import COLOURS, INK, PLATE, SOFT

SCALE = 2.0
MOST_PIXELS = 24_000_000  # of the file; a larger figure is drawn smaller
FINE = 2  # times as many pixels each way are drawn, then averaged: lines have no steps
BAND = 8_000_000  # of these fine pixels at a time
FACES = {False: "DejaVuSans.ttf", True: "DejaVuSans-Bold.ttf"}
PALE = 0.38  # how much of the paper shows through a line
PLAIN = str.maketrans({"−": "-", "±": "+-", "–": "-", "’": "'", "“": '"', "”": '"', "…": "...", "·": ",", "×": "x"})
STROKES: Mapping[str, Sequence[Sequence[Point]]] = {
    "+": [[(-3, 0), (3, 0)], [(0, -3), (0, 3)]],
    "-": [[(-3, 0), (3, 0)]],
    "mixed": [[(-3, -1.5), (3, -1.5)], [(0, -4), (0, 1)], [(-3, 3.5), (3, 3.5)]],
}
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def document(page: Sheet, *, pictures: Mapping[str, bytes]) -> bytes:
    """The page as a file; of pictures by hash that are not there a blank plate says so."""
    scale = min(SCALE, math.sqrt(MOST_PIXELS / (page.width * page.height)))
    canvas = _Canvas(page, pictures, scale)
    file = io.BytesIO()
    canvas.drawn().save(file, format="PNG", pnginfo=_imprint(page), dpi=(96 * scale, 96 * scale))
    return file.getvalue()


def _imprint(page: Sheet) -> PngInfo:
    said = page.imprint
    info = PngInfo()
    texts = {
        "Title": said.title,
        "Author": "; ".join(said.authors),
        "Description": f"{said.citation} {page.legend}",
        "Copyright": f"{said.licence}, {said.licence_url}",
        "Source": said.url,
    }
    for name, text in texts.items():
        info.add_itxt(name, text)
    return info


class _Canvas:
    """Lines and plates in bands, finely; then the pictures and the words in one."""

    def __init__(self, page: Sheet, pictures: Mapping[str, bytes], scale: float) -> None:
        self.page = page
        self.pictures = pictures
        self.scale = scale
        self.size = (math.ceil(page.width * scale), math.ceil(page.height * scale))

    def drawn(self) -> Image.Image:
        """All of it."""
        whole = Image.new("RGB", self.size, "#fff")
        rows = max(BAND // (self.size[0] * FINE * FINE), 1)
        for top in range(0, self.size[1], rows):
            height = min(rows, self.size[1] - top)
            band = Image.new("RGB", (self.size[0] * FINE, height * FINE), "#fff")
            self._lines(_Pen(band, self.scale * FINE, -top * FINE, self.page.left))
            whole.paste(band.reduce(FINE), (0, top))
        self._pictures(whole)
        for tie in self.page.drawing.ties:
            if tie.shown:
                self._sign(whole, tie)
        self._words(_Pen(whole, self.scale, 0, 0))
        return whole

    def _lines(self, pen: "_Pen") -> None:
        for tie in self.page.drawing.ties:
            colour = COLOURS[tie.polarity]
            for piece in _dashed(tie):
                pen.line(piece, _paler(colour), tie.width)
            pen.polygon([(tie.tip[0] + x, tie.tip[1] + y) for x, y in TIPS[tie.polarity]], colour)
            if tie.room and tie.shown:
                pen.box(tie.mark, self.page.drawing.kernel_half + 1.5, "#fff", colour, 1.5)
        for spot in self.page.drawing.spots:
            pen.box((spot.x, spot.y), self.page.drawing.half, PLATE, "#e2dfda", 1)

    def _pictures(self, whole: Image.Image) -> None:
        drawing = self.page.drawing
        for tie in drawing.ties:
            if tie.room and tie.measure and tie.measure.kernel and tie.shown:
                self._paste(whole, tie.measure.kernel, tie.mark, drawing.kernel, Image.Resampling.NEAREST)
        for spot in drawing.spots:
            for one in (spot.neuron.picture, spot.neuron.thumbnail):
                if one and self._paste(whole, one, (spot.x, spot.y), drawing.side, Image.Resampling.LANCZOS):
                    break

    def _sign(self, whole: Image.Image, tie: Tie) -> None:
        """A disc over what is there, as finely drawn as the lines."""
        half = self.page.drawing.kernel_half if tie.room else 0
        at = (tie.mark[0] - half, tie.mark[1] - half)
        left, top = (round((it - 8) * self.scale) for it in (at[0] + self.page.left, at[1]))
        side = max(round(16 * self.scale), 1)
        piece = whole.crop((left, top, left + side, top + side)).resize((side * FINE, side * FINE))
        pen = _Pen(piece, self.scale * FINE, -top * FINE, self.page.left, across=-left * FINE)
        pen.disc(at, 6.5, COLOURS[tie.polarity])
        for line in STROKES[tie.sign]:
            pen.line([(at[0] + x, at[1] + y) for x, y in line], COLOURS[tie.polarity], 1.4)
        whole.paste(piece.reduce(FINE), (left, top))

    def _paste(self, whole: Image.Image, it: Picture, at: Point, side: float, how: Image.Resampling) -> bool:
        data = self.pictures.get(it.sha256)
        if data is None:
            return False
        length = max(round(side * self.scale), 1)
        try:
            with Image.open(io.BytesIO(data), formats=["PNG", "WEBP", "JPEG"]) as picture:
                shown = picture.convert("RGB").resize((length, length), how)
        except (UnidentifiedImageError, OSError):
            return False
        corner = ((at[0] + self.page.left - side / 2) * self.scale, (at[1] - side / 2) * self.scale)
        whole.paste(shown, (round(corner[0]), round(corner[1])))
        return True

    def _words(self, pen: "_Pen") -> None:
        drawing, left = self.page.drawing, self.page.left
        for head, x in drawing.heads:
            pen.text((x + left, 20), head, SOFT, 12, middle=True)
        for spot in drawing.spots:
            self._caption(pen, spot, left)
        for line in self.page.lines:
            pen.text((MARGIN, line.y), line.text, INK if line.strong else SOFT, 11, strong=line.strong)

    def _caption(self, pen: "_Pen", spot: Spot, left: float) -> None:
        drawing = self.page.drawing
        shown = [it for it in (spot.neuron.picture, spot.neuron.thumbnail) if it and it.sha256 in self.pictures]
        if not shown:
            pen.text((spot.x + left, spot.y + 4), "no picture", SOFT, 9, middle=True)
        for place, line in enumerate(spot.caption):
            at = (spot.x + left, spot.y + drawing.under + 13 * place)
            pen.text(at, line, SOFT if place else INK, 10.5, middle=True, strong=not place)


class _Pen:
    """Draws in the units of the figure on an image of more pixels, of which it may be a part."""

    def __init__(self, image: Image.Image, scale: float, down: float, left: float, *, across: float = 0) -> None:
        self.draw = ImageDraw.Draw(image)
        self.scale, self.down, self.left, self.across = scale, down, left, across

    def _at(self, point: Point) -> Point:
        return ((point[0] + self.left) * self.scale + self.across, point[1] * self.scale + self.down)

    def line(self, points: Sequence[Point], colour: str, width: float) -> None:
        thick = max(round(width * self.scale), 1)
        self.draw.line([self._at(point) for point in points], fill=colour, width=thick, joint="curve")

    def polygon(self, points: Sequence[Point], colour: str) -> None:
        self.draw.polygon([self._at(point) for point in points], fill=colour)

    def box(self, at: Point, half: float, fill: str, edge: str, width: float) -> None:
        corners = [self._at((at[0] - half, at[1] - half)), self._at((at[0] + half, at[1] + half))]
        self.draw.rectangle(corners, fill=fill, outline=edge, width=max(round(width * self.scale), 1))

    def disc(self, at: Point, radius: float, edge: str) -> None:
        corners = [self._at((at[0] - radius, at[1] - radius)), self._at((at[0] + radius, at[1] + radius))]
        self.draw.ellipse(corners, fill="#fff", outline=edge, width=max(round(1.3 * self.scale), 1))

    def text(
        self, at: Point, text: str, colour: str, size: float, *, middle: bool = False, strong: bool = False
    ) -> None:
        """On its base line; letters the face has not are those it has that look alike."""
        font, plain = _face(max(size * self.scale, 1.0), strong=strong)
        said = _in_ascii(text) if plain else text
        anchor = "ms" if middle else "ls"
        self.draw.text(self._at(at), said, fill=colour, font=font, anchor=anchor)


def _face(size: float, *, strong: bool) -> tuple[Font, bool]:
    """DejaVu where the machine has it, else Pillow's own, which has hardly more than ASCII; and whether it is that."""
    try:
        return ImageFont.truetype(FACES[strong], size), False
    except OSError:
        return ImageFont.load_default(size), True


def _in_ascii(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.translate(PLAIN))
    return "".join(letter if letter.isascii() else "?" for letter in apart if not unicodedata.combining(letter))


def _dashed(tie: Tie) -> Iterator[Sequence[Point]]:
    """The line; in pieces of 6 px with 4 px between where nothing was measured."""
    points = tie.route.points()
    if tie.measure:
        yield points
        return
    length = sum(math.dist(one, two) for one, two in pairwise(points)) or 1.0
    for start in range(0, math.ceil(length), 10):
        yield tie.route.along(*(min((start + more) / length, 1.0) for more in (0, 3, 6)))


def _paler(colour: str) -> str:
    """As it is on white paper that shows through."""
    red, green, blue = (round(it + (255 - it) * PALE) for it in ImageColor.getrgb(colour)[:3])
    return f"#{red:02x}{green:02x}{blue:02x}"
