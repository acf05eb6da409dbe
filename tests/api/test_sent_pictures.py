"""Pictures as evidence: redrawn or refused by name, and seen by exactly those who may read what shows them."""

import hashlib
import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from atlas import redrawing, uploads
from atlas.errors import TooLarge
from atlas.models import Artifact, Foothold, FootholdArtifact, Upload
from atlas.services import artifacts, evidence, footholds, pictures
from atlas.services import uploads as services
from tests.api.conftest import rows
from tests.api.test_uploads import everything
from tests.api.uploading import MULTIPART, closed, part
from tests.claims import revise

pytestmark = pytest.mark.django_db
PNG, JPEG, WEBP = "image/png", "image/jpeg", "image/webp"
SECRET = b"<script>alert('canary')</script>"


def drawn(mode: str = "RGB", size: tuple[int, int] = (24, 16)) -> Image.Image:
    """A picture in which no two corners are alike."""
    ramp = np.arange(size[0] * size[1], dtype=np.uint32).reshape(size[1], size[0])
    if mode.startswith("I"):
        return Image.fromarray((ramp * 257 % 65_536).astype(np.uint16))
    plain = np.stack([ramp * 7 % 256, ramp * 3 % 256, ramp % 256], axis=-1).astype(np.uint8)
    return Image.fromarray(plain).convert(mode)


def saved(picture: Image.Image, form: str = "PNG", **options) -> bytes:
    """A picture's file."""
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG, with its checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *chunks: bytes) -> bytes:
    """A PNG that says it is this large, whatever follows."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + chunk(b"IEND", b"")


def animated(form: str) -> bytes:
    """Two frames."""
    return saved(drawn(), form, save_all=True, append_images=[drawn().rotate(90)])


def flipped(data: bytes, at: int) -> bytes:
    """One bit is another."""
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


BOMB = zlib.compress(b"\0" * (50 << 20))
GOOD = saved(drawn())
REFUSED = {
    "M01 empty": (b" ", PNG, 415, "image-format"),
    "M01 random": (hashlib.sha512(b"x").digest() * 50, PNG, 415, "image-format"),
    "M02 SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", PNG, 415, "image-format"),
    "M04 GIF": (saved(drawn(), "GIF"), "image/gif", 415, "image-format"),
    "M04 BMP": (saved(drawn(), "BMP"), PNG, 415, "image-format"),
    "M04 TIFF": (saved(drawn(), "TIFF"), PNG, 415, "image-format"),
    "M04 PDF": (b"%PDF-1.7\n", PNG, 415, "image-format"),
    "M05 PNG as JPEG": (GOOD, JPEG, 415, "image-type-mismatch"),
    "M05 PNG as text": (GOOD, "text/html", 415, "image-type-mismatch"),
    "M07 cut PNG": (GOOD[:-20], PNG, 422, "image-truncated"),
    "M07 cut JPEG": (saved(drawn(), "JPEG")[:-20], JPEG, 422, "image-truncated"),
    "M07 cut WebP": (saved(drawn(), "WEBP")[:-20], WEBP, 422, "image-truncated"),
    "M08 IHDR": (flipped(GOOD, 20), PNG, 422, "image-corrupt"),
    "M08 IDAT": (flipped(GOOD, GOOD.index(b"IDAT") + 9), PNG, 422, "image-corrupt"),
    "M10": (png(2**31 - 1, 2**31 - 1), PNG, 413, "image-too-many-pixels"),
    "M11": (png(10_000, 10_000), PNG, 413, "image-too-many-pixels"),
    "1 by a billion": (png(1, 10**9), PNG, 413, "image-too-many-pixels"),
    "M13": (png(1, 16_000_000), PNG, 422, "image-dimensions"),
    "M16 PNG": (animated("PNG"), PNG, 422, "image-animated"),
    "M16 WebP": (animated("WEBP"), WEBP, 422, "image-animated"),
    "M17 a text that unfolds": (png(8, 8, chunk(b"zTXt", b"x\0\0" + BOMB)), PNG, 422, "image-corrupt"),
    "no pixels": (png(8, 8), PNG, 422, "image-corrupt"),
    "more pixels than said": (png(4_000, 4_000, chunk(b"IDAT", BOMB)), PNG, 201, ""),
    "M28 zip": (b"PK\x03\x04" + b"\0" * 40, PNG, 415, "image-format"),
}


@pytest.fixture
def send(as_alice):
    """Alice sends a picture."""
    return lambda data, declared=PNG, **more: as_alice.ask("POST", "artifacts", data, content_type=declared, **more)


def pixels(answer) -> Image.Image:
    """What is kept of it."""
    return Image.open(io.BytesIO(artifacts.read(Artifact.objects.get(pk=answer.json()["sha256"]))))


def test_what_is_no_picture_or_more_than_one_is_refused_by_name(send, artifact_folder, settings):
    """And of what is refused nothing stays."""
    before, files = rows(), everything(artifact_folder, settings.HOME)
    refused = {name: entry for name, entry in REFUSED.items() if entry[2] != 201}
    for name, (data, declared, status, slug) in refused.items():
        answer = send(data, declared)
        assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{slug}"), name
    assert send(b"x" * (pictures.LARGEST + 1)).json()["type"] == "/problems/too-large"
    assert send(GOOD, headers={"Content-Encoding": "gzip"}).status_code == 415
    assert send(b"").status_code == 400
    assert rows() == before
    assert everything(artifact_folder, settings.HOME) == files


def test_a_picture_that_takes_too_long_ends_its_child(send, monkeypatch):
    monkeypatch.setattr(pictures, "PATIENCE", 0.01)
    assert send(GOOD).json()["type"] == "/problems/image-resource"


def test_a_child_has_its_limits(tmp_path):
    """The same child with a quarter of the memory that it takes for this picture: it says so, and leaves nothing."""
    script = tmp_path / "redrawing.py"
    script.write_text(Path(redrawing.__file__).read_text().replace("MEMORY = 1 << 30", "MEMORY = 100 << 20"))
    large = saved(Image.new("RGB", (4_000, 4_000)))
    done = subprocess.run([sys.executable, "-I", str(script), "PNG"], input=large, capture_output=True)
    assert (done.returncode, done.stdout) == (redrawing.REFUSED, b"")
    assert b"ImageResource" in done.stderr


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_only_the_pixels_are_kept(form, send):
    """M19, M20: no EXIF, no text, no profile, no tail; upright as the camera meant it."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, SECRET.decode()
    about = PngInfo()
    about.add_text("Comment", SECRET.decode())
    options = {"exif": exif, "icc_profile": SECRET * 9, **({"pnginfo": about} if form == "PNG" else {})}
    sent = saved(drawn(), form, **options) + SECRET
    assert sent.count(SECRET) > 2
    answer = send(sent, f"image/{form.lower()}", headers={"X-Filename": "../../x.png"})
    kept = artifacts.read(Artifact.objects.get(pk=answer.json()["sha256"]))
    assert b"script" not in kept
    assert set(redrawing._chunks(kept)) == {b"IHDR", b"IDAT", b"IEND"}
    found = pixels(answer)
    assert (found.size, found.info) == ((16, 24), {})
    if form == "PNG":
        turned = drawn().transpose(Image.Transpose.ROTATE_270)
        assert found.tobytes() == turned.tobytes()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGBA", "CMYK", "I;16"])
def test_every_mode_becomes_eight_bits_a_channel(mode, send):
    """M22: a mode that PNG has not comes as JPEG; equal pictures become equal bytes."""
    form = "JPEG" if mode == "CMYK" else "PNG"
    picture = drawn(mode if mode != "PA" else "RGBA")
    sent = saved(picture.quantize() if mode == "PA" else picture, form)
    first, again = (send(sent, f"image/{form.lower()}") for _ in range(2))
    assert first.json() == again.json()
    found = pixels(first)
    assert found.mode == ("RGBA" if mode in ("LA", "PA", "RGBA") else "RGB")
    if mode == "I;16":
        assert np.array_equal(np.asarray(found)[..., 0], np.asarray(picture) // 257)


def test_boundaries_of_size(send, monkeypatch):
    """M14 and M13, one pixel to either side; and a picture that unfolds to no more than it says."""
    assert pixels(send(saved(drawn(size=(1, 1))))).size == (1, 1)
    assert send(saved(Image.new("L", (redrawing.LONGEST_SIDE, 1)))).status_code == 201
    assert send(saved(Image.new("L", (redrawing.LONGEST_SIDE + 1, 1)))).status_code == 422
    assert send(REFUSED["more pixels than said"][0]).status_code == 201


def test_the_same_picture_of_two_is_one_file_and_seen_by_both(send, as_bob, alice, artifact_folder):
    """M26."""
    sha256 = send(GOOD).json()["sha256"]
    assert as_bob.get(f"artifacts/{sha256}").status_code == 404, "the hash is no key"
    again = as_bob.ask("POST", "artifacts", GOOD, content_type=PNG)
    assert (again.json()["sha256"], Upload.objects.count()) == (sha256, 2)
    assert as_bob.get(f"artifacts/{sha256}").status_code == 200


def test_under_one_key_it_is_sent_once_and_another_is_refused(send):
    key = {"Idempotency-Key": "one"}
    first, again = send(GOOD, headers=key), send(GOOD, headers=key)
    assert (first.status_code, first.json(), again["Idempotent-Replay"]) == (201, again.json(), "true")
    assert send(saved(drawn(size=(3, 3))), headers=key).json()["type"] == "/problems/key-reused"


def said_of(claim: Foothold, sha256: str, **more) -> dict:
    """The content of evidence that shows a picture."""
    return {"method": "SX", "artifacts": [sha256], "alt_text": "A ramp.", "parameters": {"stimulus": "lines"}, **more}


def test_whoever_reads_the_evidence_sees_its_picture_and_nobody_else(send, world, anybody, as_bob, operator):
    """Before it is shown, while it is, once a moderator has taken it away."""
    sha256, claim = send(GOOD).json()["sha256"], world.foothold
    at = f"artifacts/{sha256}"
    assert (anybody.get(at).status_code, as_bob.get(at).status_code) == (404, 404)
    given = evidence.give(actor=claim.created_by, claim=claim, team=claim.team, content=said_of(claim, sha256))
    assert (anybody.get(at).status_code, as_bob.get(at).status_code) == (200, 200)
    shown = anybody.client.get(f"/a/{sha256}.png")
    assert (shown["Content-Type"], Image.open(io.BytesIO(b"".join(shown))).size) == (PNG, (24, 16))
    footholds.moderate(actor=operator, foothold=given, to="hidden", reason="An advertisement.")
    assert (anybody.get(at).status_code, as_bob.get(at).status_code) == (404, 404)


def test_a_teams_picture_is_the_teams(send, hidden, anybody, as_bob, as_alice, team):
    sha256 = send(GOOD).json()["sha256"]
    content = said_of(hidden.foothold, sha256)
    made = footholds.create(
        actor=hidden.foothold.created_by, kind="evidence", checkpoint=hidden.checkpoint, team=team, content=content,
        visibility="team",
    )  # fmt: skip
    assert FootholdArtifact.objects.get().foothold == made
    assert [api.get(f"artifacts/{sha256}").status_code for api in (anybody, as_bob, as_alice)] == [404, 404, 200]


def test_an_older_version_goes_on_showing_what_it_showed(send, world, alice, anybody):
    """A link may rest on another picture later; and its words may be revised without it."""
    first, second = (send(saved(drawn(size=(size, 4)))).json()["sha256"] for size in (5, 6))
    ends = {"source": "edges:1", "target": "mixed:3", "relation": "excites", "sign": "+"}
    content = {**ends, "rests_on": {"artifact": first}}
    link = footholds.create(
        actor=alice, kind="link", checkpoint=world.checkpoint, team=world.foothold.team, content=content
    )
    revise(link, alice, rests_on={"artifact": second})
    assert [anybody.get(f"artifacts/{it}").status_code for it in (first, second)] == [200, 200]
    assert [(it.artifact_id, it.since) for it in link.shows.all()] == [(first, 1), (second, 2)]


def test_naming_the_hash_of_what_was_not_uploaded_opens_nothing(world, hidden, alice, anybody):
    """A private finding's picture is named in public by who may read it, and stays private."""
    claim, secret = world.foothold, hidden.artifact.sha256
    evidence.give(actor=alice, claim=claim, team=claim.team, content=said_of(claim, secret))
    assert anybody.get(f"artifacts/{secret}").status_code == 404


def test_a_picture_without_words_is_refused_and_so_is_somebody_elses(send, world, as_alice, as_bob):
    sha256, at = send(GOOD).json()["sha256"], f"footholds/{world.foothold.accession}/evidence"
    mute = as_alice.post(at, {"content": said_of(world.foothold, sha256, alt_text=" ")})
    assert [(it["pointer"], it["code"]) for it in mute.json()["errors"]] == [("/content/alt_text", "FH0094")]
    foreign = as_bob.post(at, {"content": said_of(world.foothold, sha256)})
    assert [it["pointer"] for it in foreign.json()["errors"]] == ["/content/artifacts/0"]
    assert as_alice.post(at, {"content": said_of(world.foothold, sha256)}).status_code == 201


def test_a_form_hands_over_a_picture_as_a_script_does(alice, rf):
    """What a page needs: one file of a multipart body, no larger than a picture may be, and as what it was sent."""
    body = closed(part("note", "see"), part("picture", GOOD, filename="../x.png", declared=PNG))
    request = rf.post("/", body, content_type=MULTIPART)
    uploads.receive(request, name="picture", most=pictures.LARGEST)
    sent = request.FILES["picture"]
    kept = services.upload(actor=alice, file=sent.file, declared=sent.content_type)
    sent.close()
    assert (kept.media_type, request.POST["note"]) == (PNG, "see")
    large = closed(part("picture", b"x" * (pictures.LARGEST + 1), filename="x", declared=PNG))
    with pytest.raises(TooLarge):
        uploads.receive(rf.post("/", large, content_type=MULTIPART), name="picture", most=pictures.LARGEST)
