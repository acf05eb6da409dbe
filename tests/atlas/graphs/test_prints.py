"""Figures for papers: whole in themselves, nothing active in them, the citation within, equal facts equal bytes."""

import io
import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from PIL import Image

from atlas.graphs import png, svg
from atlas.graphs.drawing import drawn
from atlas.graphs.paper import sheet
from tests.atlas.graphs.drawing import BYTES, IMPRINT, figure

SVG = "{http://www.w3.org/2000/svg}"
NASTY = "<script>alert(1)</script> & \"'\x08]]> onload=x &lt;b 曲 é"


def page(nodes: int = 6, edges: int = 8, **more):
    return sheet(drawn(figure(nodes, edges, **more)), IMPRINT)


def words(root: ElementTree.Element) -> str:
    return " ".join("".join(it.itertext()) for it in root.iter(f"{SVG}text"))


def test_an_svg_holds_its_pictures_and_says_where_it_is_from():
    root = ElementTree.fromstring(svg.document(page(), pictures=BYTES))
    held = [it.get("href") for it in root.iter(f"{SVG}image")]
    assert len(held) > 6
    assert all(it.startswith("data:image/png;base64,") for it in held)
    assert IMPRINT.url in words(root)
    assert IMPRINT.title in words(root)
    assert "excites" in words(root)
    told = "".join(root.find(f"{SVG}metadata").itertext())
    assert IMPRINT.citation in told
    assert IMPRINT.licence_url in told
    assert [it.tag for it in root][:2] == [f"{SVG}title", f"{SVG}desc"]


def test_what_people_typed_is_text_and_nothing_else():
    drawing = drawn(figure(4, 4, label=NASTY))
    hostile = replace(IMPRINT, title=NASTY, citation=NASTY * 3, authors=(NASTY,))
    text = svg.document(sheet(drawing, hostile), pictures=BYTES)
    root = ElementTree.fromstring(text)
    assert "<script" not in text.replace("&lt;script", "")
    allowed = {"svg", "title", "desc", "metadata", "g", "rect", "path", "text", "circle", "image"}
    assert {it.tag.removeprefix(SVG) for it in root.iter() if it.tag.startswith(SVG)} <= allowed
    assert not [name for it in root.iter() for name in it.attrib if name.startswith("on") or name == "style"]
    assert "曲 é" in words(root)
    assert "\ufffd" in root.find(f"{SVG}title").text


def test_a_picture_that_is_lost_is_a_blank_that_says_so():
    root = ElementTree.fromstring(svg.document(page(), pictures={}))
    assert not list(root.iter(f"{SVG}image"))
    assert words(root).count("no picture") == 6


def test_a_png_shows_the_same_twice_as_large_and_cites_it():
    found = page()
    data = png.document(found, pictures=BYTES)
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.size == (found.width * 2, found.height * 2)
        assert picture.text["Title"] == IMPRINT.title
        assert picture.text["Description"].startswith(IMPRINT.citation)
        assert picture.text["Source"] == IMPRINT.url
        assert IMPRINT.licence_url in picture.text["Copyright"]
        spot = found.drawing.spots[0]
        seen = picture.convert("RGB").getpixel((int((spot.x + found.left) * 2), int(spot.y * 2)))
        assert seen == (0x80, 0x40, 0x20)
        assert picture.getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("lost", [{}, dict.fromkeys(BYTES, b"no picture")])
def test_a_png_is_drawn_without_its_pictures_too(lost):
    assert png.document(page(label=NASTY), pictures=lost).startswith(b"\x89PNG")


def test_equal_facts_are_equal_bytes():
    assert svg.document(page(), pictures=BYTES) == svg.document(page(), pictures=BYTES)
    assert png.document(page(), pictures=BYTES) == png.document(page(), pictures=BYTES)


def test_a_png_has_no_more_pixels_than_are_drawn_soon(monkeypatch):
    far = page(places={"layer0:0": (0, 0), "layer4:5": (20_000, 20_000)})
    monkeypatch.setattr(png, "MOST_PIXELS", 200_000)
    with Image.open(io.BytesIO(png.document(far, pictures=BYTES))) as picture:
        assert picture.size[0] * picture.size[1] < 210_000


def test_text_beneath_is_no_wider_than_the_page():
    found = sheet(drawn(figure(2, 1)), replace(IMPRINT, citation="word " * 200))
    assert max(len(line.text) for line in found.lines) * 6 < found.width
    assert found.lines[-1].y < found.height


def test_without_the_usual_face_letters_are_those_that_look_alike(monkeypatch):
    monkeypatch.setattr(png, "FACES", {False: "no such face.ttf", True: "no such face.ttf"})
    assert png.document(page(label="Größe × 曲"), pictures=BYTES).startswith(b"\x89PNG")
    assert re.fullmatch(r"Groe x \?|Gro\?e x \?", png._in_ascii("Größe × 曲"))
