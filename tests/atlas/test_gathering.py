"""Pictures that come together: each is taken as it is, or refused by its name, and none is ever laid at a path."""

import io
import random
import warnings
import zipfile

import numpy as np
import pytest
from PIL import Image

from atlas import archives
from atlas.errors import Forbidden, NoSuchDataset, RegisteredDifferently, RegisteredElsewhere, Validation
from atlas.labels import Labels, read
from atlas.models import Change, Dataset, DatasetItem, Membership, Role
from atlas.services import artifacts, datasets, developing, gathering, teams
from tests.archived import GOOD, LINK, PIPE, TABLE, archive, picture

pytestmark = pytest.mark.django_db
SOUND = {"sound.png": picture(1)}


def gathered(data, **more):
    return gathering.from_archive(io.BytesIO(data), labels=Labels(), **more)


def added(data=None, *, actor=None, labels="", **more):
    found = gathering.from_archive(
        io.BytesIO(archive(GOOD) if data is None else data), labels=read(labels.encode()) if labels else Labels()
    )
    return gathering.add(actor=actor, gathered=found, **{"slug": "photos", "title": "Photographs", **more})


def animated(form):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    data = io.BytesIO()
    frames[0].save(data, form, save_all=True, append_images=frames[1:])
    return data.getvalue()


def encrypted():
    data = bytearray(archive({"secret.png": picture(2)}))
    for magic, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(magic) + place] |= 1
    return bytes(data)


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


STORED = archive({"bad.png": picture(2)}, compression=zipfile.ZIP_STORED)


def plain(width, height):
    """A picture of one colour, small however large it is."""
    data = io.BytesIO()
    Image.new("1", (width, height)).save(data, "PNG")
    return data.getvalue()


REFUSED = {
    "/etc/passwd.png": (picture(2), "absolute"),
    "C:\\pictures\\a.png": (picture(2), "absolute"),
    "../../a.png": (picture(2), "outside"),
    "a/.../../../b.png": (picture(2), "outside"),
    "..\\for-others.png": (picture(2), "outside"),
    "a\nline.png": (picture(2), "control-character"),
    "a\u202egnp.turned.png": (picture(2), "bidi-override"),
    f"{'long' * 60}.png": (picture(2), "not-length"),
    "more.zip": (archive(SOUND), "archive"),
    "an-archive.png": (archive(SOUND), "archive"),
    "packed.gz": (b"\x1f\x8b" + bytes(30), "archive"),
    "words.png": (b"no picture at all", "image-format"),
    "nothing.png": (b"", "image-format"),
    "labels.csv": (b"file,index\n", "image-format"),
    "a-drawing.svg": (b"<svg onload='alert(1)'/>", "image-format"),
    "a-format-not-opened.png": (picture(2, "TIFF"), "image-format"),
    "a-picture.dat": (picture(2), "image-format"),
    "half.png": (picture(2)[:200], "image-truncated"),
    "half.jpg": (picture(2, "JPEG")[:300], "image-truncated"),
    "half.bmp": (picture(2, "BMP")[:300], "image-truncated"),
    "broken.png": (flipped(picture(2), 60), "image-corrupt"),
    "broken.gif": (b"GIF89a" + bytes(30), "image-corrupt"),
    "moves.gif": (animated("GIF"), "image-animated"),
    "moves.png": (animated("PNG"), "image-animated"),
    "too-many-pixels.png": (plain(5000, 4000), "image-too-many-pixels"),
    "too-long.png": (plain(9000, 2), "image-dimensions"),
    "too-large.png": (picture(2) + bytes(developing.LARGEST), "too-large"),
    "the-same-pixels.bmp": (picture(1, "BMP"), "duplicate"),
}


def test_each_that_cannot_be_taken_is_named_and_the_rest_goes_in():
    found = gathered(archive({**{name: data for name, (data, _) in REFUSED.items()}, "a.png": picture(1)}))
    assert [item.name for item in found.items] == ["a.png"]
    wanted = {archives.printable(name): code for name, (_, code) in REFUSED.items()}
    assert {it.name: it.code for it in found.refused} == wanted
    assert all(len(it.name) <= 200 and it.name.isprintable() and it.detail.endswith(".") for it in found.refused)


PACKED = {
    "encrypted": (encrypted(), "encrypted"),
    "a link": (archive({"a.png": b"/etc/passwd"}, mode=LINK), "link"),
    "a pipe": (archive({"a.png": b""}, mode=PIPE), "no-file"),
    "packed otherwise": (archive({"a.png": picture(2)}, compression=zipfile.ZIP_LZMA), "packed"),
    "another sum": (flipped(STORED, 90), "broken"),
    "another beginning": (flipped(STORED, 0), None),
}


@pytest.mark.parametrize("what", PACKED)
def test_what_is_packed_to_deceive_is_named(what):
    data, code = PACKED[what]
    found = gathered(data)
    assert found.items == []
    assert [it.code for it in found.refused] == [code or "broken"]


def test_two_files_of_one_name_are_one_and_a_refusal():
    with warnings.catch_warnings(action="ignore"):
        data = archive([("a.png", picture(1)), ("a.png", picture(2))])
    found = gathered(data)
    assert ([it.name for it in found.items], [it.code for it in found.refused]) == (["a.png"], ["repeated"])


def bomb(size=20 << 20):
    """A file that says it unfolds into more than is read."""
    return archive({"a.png": picture(1) + bytes(size)})


def boastful():
    """An archive whose list says more of its file than there is."""
    data = bytearray(archive({"a.png": picture(1)}))
    place = data.index(b"PK\x01\x02") + 24
    data[place : place + 4] = (0xFFFFFFF0).to_bytes(4, "little")
    return bytes(data)


def test_a_bomb_is_refused_before_it_unfolds(monkeypatch):
    data = bomb()
    assert len(data) < 200_000
    opened = []
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *given, **more: opened.append(given))
    assert [it.code for it in gathered(data).refused] == ["too-large"]
    assert opened == []


def test_no_flipped_byte_makes_it_stumble():
    """Some thousand times as many were tried when this was written."""
    chance, seen, whole = random.Random(0), set(), archive({"a.png": b"plain", "b/c.jpg": b"words"})
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 2, 8))):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            seen |= {it.code for it in gathered(bytes(data)).refused}
        except Validation as refused:
            seen.add(refused.errors[0]["code"])
    assert {"broken", "image-format", "not-an-archive"} <= seen


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not-an-archive"),
        (b"no archive", "not-an-archive"),
        (archive(GOOD)[:-40], "not-an-archive"),
        (archive(GOOD)[:-8] + b"\xff" * 8, "not-an-archive"),
        (b"\x1f\x8b" + bytes(100), "not-an-archive"),
    ],
)
def test_what_is_no_archive_is_refused_whole(data, code):
    with pytest.raises(Validation) as refused:
        gathered(data)
    assert [(it["pointer"], it["code"]) for it in refused.value.errors] == [("/pictures", code)]


def test_an_archive_of_too_many_or_too_much_is_refused_whole(monkeypatch):
    with pytest.raises(Validation, match="has 3 files; at most 2"):
        gathered(archive(GOOD), most=2)
    monkeypatch.setattr(archives, "MOST_UNPACKED", 1 << 20)
    with pytest.raises(Validation, match="Unpacked"):
        gathered(boastful())
    monkeypatch.setattr(archives, "LARGEST_LIST", 100)
    with pytest.raises(Validation, match="list of files is too long"):
        gathered(archive({f"{number}.png": b"" for number in range(9)}))


def test_what_systems_leave_beside_pictures_is_passed_over():
    found = gathered(
        archive({**SOUND, "__MACOSX/._sound.png": b"x", ".DS_Store": b"x", "a/Thumbs.db": b"x", "b/": b""})
    )
    assert (len(found.items), found.refused) == (1, [])


def test_a_child_that_meets_its_limits_takes_no_other_picture_along(monkeypatch):
    """It is killed in the middle; the next picture has a new one."""
    started = developing._started

    def dying():
        monkeypatch.setattr(developing, "_started", started)
        child = started()
        child.kill()
        return child

    monkeypatch.setattr(developing, "_started", dying)
    found = gathered(archive({"a.png": picture(1), "b.png": picture(2)}))
    assert [it.code for it in found.refused] == ["image-resource"]
    assert [item.name for item in found.items] == ["b.png"]


# --- what is kept -----------------------------------------------------------------------------------------------------
def shown(item):
    return artifacts.read(item.artifact)


def test_a_jpeg_is_kept_as_it_is_coded_less_all_that_is_said_beside():
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "A camera", 6  # its maker, and that it lies on its side
    data = picture(2, "JPEG", quality=90, exif=exif, comment=b"where I live", icc_profile=b"a profile" * 9)
    [item] = gathered(archive({"a.jpg": data + b"PK behind its end"})).items
    kept = shown(item)
    assert item.artifact.media_type == "image/jpeg"
    for word in (b"camera", b"Exif", b"live", b"profile", b"PK"):
        assert word not in kept
    with Image.open(io.BytesIO(kept)) as again, Image.open(io.BytesIO(data)) as before:
        assert again.convert("RGB").tobytes() == before.convert("RGB").tobytes()
        assert dict(again.getexif()) == {}


def test_of_a_photograph_with_a_preview_behind_it_the_photograph_is_kept():
    """As many telephones write them."""
    frames, data = [Image.open(io.BytesIO(picture(seed, "JPEG"))) for seed in (2, 3)], io.BytesIO()
    frames[0].save(data, "MPO", save_all=True, append_images=frames[1:])
    [item] = gathered(archive({"a.jpg": data.getvalue()})).items
    with Image.open(io.BytesIO(shown(item))) as again, Image.open(data) as before:
        assert (before.format, before.n_frames, again.format) == ("MPO", 2, "JPEG")
        assert again.tobytes() == before.convert("RGB").tobytes()


@pytest.mark.parametrize("more", [{"progressive": True}, {"subsampling": 0}, {"restart_marker_blocks": 1}])
def test_however_a_jpeg_is_coded_its_pixels_stay(more):
    data = picture(2, "JPEG", size=(40, 56), **more)
    [item] = gathered(archive({"a.jpg": data})).items
    with Image.open(io.BytesIO(shown(item))) as again, Image.open(io.BytesIO(data)) as before:
        assert (again.format, again.tobytes()) == ("JPEG", before.tobytes())


def test_a_jpeg_of_other_colours_is_kept_as_the_pixels_that_are_shown_of_it():
    data = io.BytesIO()
    Image.new("CMYK", (9, 7), (10, 200, 30, 40)).save(data, "JPEG")
    [item] = gathered(archive({"a.jpg": data.getvalue()})).items
    with Image.open(io.BytesIO(shown(item))) as again, Image.open(data) as before:
        assert (again.format, again.tobytes()) == ("PNG", before.convert("RGB").tobytes())


def test_sixteen_bits_of_grey_are_scaled_to_eight():
    """As the pixels of a picture that is sent alone, and as the science opens the same file."""
    data, grey = io.BytesIO(), np.arange(63, dtype=np.uint16).reshape(7, 9) * 1040
    Image.fromarray(grey).save(data, "PNG")
    [item] = gathered(archive({"a.png": data.getvalue()})).items
    with Image.open(io.BytesIO(shown(item))) as again:
        assert np.array_equal(np.asarray(again), np.stack([grey // 257] * 3, axis=-1))


# --- what is registered -----------------------------------------------------------------------------------------------
def test_it_is_registered_once():
    row, new = added(labels=TABLE)
    assert (new, row.size, row.kind, row.labels, row.licence) == (True, 3, "images", ["cat", "dog"], "not stated")
    said = {item.name: item.label for item in row.items.all()}
    assert said == {"one.png": 1, "two.jpg": 0, "deep/three.webp": None}
    before = (Change.objects.count(), DatasetItem.objects.count())
    assert added(labels=TABLE) == (row, False)
    assert (Change.objects.count(), DatasetItem.objects.count()) == before


def test_labels_never_change_and_a_slug_is_never_reused():
    added(labels=TABLE)
    with pytest.raises(RegisteredDifferently):
        added()
    with pytest.raises(RegisteredDifferently):
        added(archive(SOUND))
    with pytest.raises(RegisteredElsewhere, match="photos"):
        added(slug="photographs")
    for slug in ("new", "Photos", "a", "../x"):
        with pytest.raises(Validation, match="slug"):
            added(archive(SOUND), slug=slug)


def test_with_a_word_nothing_goes_in_where_something_is_refused():
    mixed = archive({**GOOD, "a.txt": b"words"})
    with pytest.raises(Validation) as refused:
        added(mixed, whole=True)
    [fault] = refused.value.errors
    assert (fault["pointer"], fault["code"]) == ("/pictures/a.txt", "image-format")
    assert not Dataset.objects.exists()
    assert added(mixed)[0].size == 3
    with pytest.raises(Validation, match="no picture"):
        added(archive({}), slug="empty")


def test_a_file_that_is_not_taken_is_said_once_though_labels_name_it():
    data = archive({**SOUND, "one.png": picture(1), "two.jpg": b"broken"})
    found = gathering.from_archive(io.BytesIO(data), labels=read(TABLE.encode()))
    assert [(it.name, it.code) for it in found.refused] == [("sound.png", "duplicate"), ("two.jpg", "image-format")]


def test_labels_of_no_file_are_said():
    found = gathering.from_archive(io.BytesIO(archive(SOUND)), labels=read(TABLE.encode()))
    assert [(it.name, it.code) for it in found.refused] == [("one.png", "no-file"), ("two.jpg", "no-file")]
    assert "Line 2" in found.refused[0].detail
    assert found.unlabelled == 1


def test_who_curates_a_team_registers_for_it_and_nobody_else_hears_of_it(ana, lab, alice):
    with pytest.raises(Forbidden):
        added(actor=ana, team=lab)
    Membership.objects.filter(contributor=ana, team=lab).update(role=Role.CURATOR)
    row, _ = added(actor=ana, team=lab)
    assert row.visibility == "team"
    assert datasets.readable_by(ana, row.digest) == row
    with pytest.raises(NoSuchDataset):
        datasets.readable_by(alice, row.digest)
    with pytest.raises(Forbidden):
        added(actor=ana, slug="mine", team=None)


def test_a_private_dataset_is_in_use_for_others_and_no_more(ana, lab):
    added(team=lab)
    rivals = teams.found(actor=None, slug="rivals", name="Rivals", admin=ana)
    Membership.objects.filter(contributor=ana, team=lab).delete()
    with pytest.raises(Validation, match="in use") as refused:
        added(actor=ana, team=rivals)
    with pytest.raises(RegisteredElsewhere) as elsewhere:
        added(actor=ana, team=rivals, slug="ours")
    digest = Dataset.objects.get().digest
    assert digest not in str(refused.value)
    assert "photos" not in str(elsewhere.value)
