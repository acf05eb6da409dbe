"""The operator's way to pictures of their own: the same dataset as a notebook's over the same folder."""

import shutil

import pytest
from django.core.management import CommandError, call_command

from atlas.models import Change, Dataset
from atlas.services import gathering, teams
from tests.archived import GOOD, TABLE, archive, picture
from workers import translate
from workers.interp.datasets import SUFFIXES
from workers.interp.datasets import Dataset as Pictures
from workers.interp.input_spec import InputSpec

pytestmark = pytest.mark.django_db
SPEC = {
    "size": [8, 8],
    "channel_order": "RGB",
    "value_range": [0, 1],
    "mean": [0, 0, 0],
    "std": [1, 1, 1],
    "resize": {"mode": "stretch", "size": 8, "interpolation": "bilinear"},
    "crop": "center",
}


@pytest.fixture
def folder(tmp_path):
    """Three pictures and their labels, and three files that are none or cannot be read."""
    for name, data in GOOD.items():
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / name).write_bytes(data)
    (tmp_path / "photos" / "labels.csv").write_text(TABLE)
    return tmp_path / "photos"


def test_what_counts_as_a_picture_is_the_same_for_both():
    assert gathering.SUFFIXES == SUFFIXES


def test_a_folder_is_the_dataset_that_a_notebook_finds_in_it(folder, capsys):
    truth = Pictures.of_folder(folder, labels=folder / "labels.csv")
    call_command("add_dataset", str(folder), labels=folder / "labels.csv", licence="CC0-1.0")
    row = Dataset.objects.get()
    assert (row.slug, row.title, row.digest, row.licence) == ("photos", "photos", truth.digest, "CC0-1.0")
    assert "3 pictures, 1 of them without a label" in capsys.readouterr().out
    kept = translate.dataset(row)
    assert [(it.digest, it.name, it.label) for it in kept.items] == [
        (it.digest, it.name, it.label) for it in truth.items
    ]
    spec = InputSpec.from_json(SPEC)
    for mine, theirs in zip(kept.items, truth.items, strict=True):
        assert mine.shown(spec).equal(theirs.shown(spec))
    before = Change.objects.count()
    call_command("add_dataset", str(folder), labels=folder / "labels.csv", licence="CC0-1.0")
    assert (Change.objects.count(), "was registered already" in capsys.readouterr().out) == (before, True)


def test_a_folder_and_its_archive_are_one(folder, tmp_path, capsys):
    call_command("add_dataset", str(folder), slug="one")
    (tmp_path / "photos.zip").write_bytes(archive(GOOD))
    with pytest.raises(CommandError, match="already, as one"):
        call_command("add_dataset", str(tmp_path / "photos.zip"), slug="two")


def test_each_file_that_is_not_taken_is_named(folder, capsys):
    (folder / "broken.png").write_bytes(picture(4)[:100])
    (folder / "again.png").write_bytes(GOOD["one.png"])
    (folder / "link.png").symlink_to("/etc/passwd")
    (folder / "way").symlink_to("/")
    (folder / ".hidden").write_bytes(b"")
    with pytest.raises(CommandError, match=r"nothing is registered(.*\n){5}.*link"):
        call_command("add_dataset", str(folder), whole=True)
    capsys.readouterr()
    call_command("add_dataset", str(folder))
    said = [line for line in capsys.readouterr().out.splitlines() if "not taken" in line]
    wanted = {
        "broken.png": "image-truncated",
        "labels.csv": "image-format",
        "link.png": "link",
        "one.png": "duplicate",
        "way": "link",
    }
    assert {line.split(": ")[1]: line.rpartition("(")[2].rstrip(")") for line in said} == wanted
    assert Dataset.objects.get().size == 3


def test_it_is_refused_in_a_sentence(folder, tmp_path):
    (tmp_path / "bad.csv").write_text("file,index\none.png,x\ntwo.jpg,1\n")
    for wrong, given in (
        ("cannot be read", {"pictures": str(tmp_path / "nowhere.zip")}),
        ("cannot be read", {"labels": tmp_path / "nowhere.csv"}),
        ("Line 2", {"labels": tmp_path / "bad.csv"}),
        ("Not a slug", {"slug": "Not a slug"}),
        ("no team nobody", {"team": "nobody"}),
        ("--private needs --team", {"private": True}),
    ):
        asked = {"pictures": str(folder), **given}
        with pytest.raises(CommandError, match=wrong):
            call_command("add_dataset", asked.pop("pictures"), **asked)
    assert not Dataset.objects.exists()


def test_a_private_one_is_its_teams(folder):
    teams.found(actor=None, slug="lab", name="The lab")
    call_command("add_dataset", str(folder), team="lab", private=True)
    row = Dataset.objects.get()
    assert (row.team.slug, row.visibility) == ("lab", "team")


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("pictures", "labels", "more"),
    [
        ("cifar10_test_1000", "cifar10_labels.csv", {}),
        ("imagenet1000", "labels.csv", {"index_column": "imagenet_index", "name_column": "synset_words"}),
    ],
)
def test_real_photographs_are_the_dataset_of_their_folder(real_data, pictures, labels, more, tmp_path):
    """A tenth of them: all thousand take a quarter of a minute."""
    folder, table = tmp_path / "pictures", tmp_path / "labels.csv"
    folder.mkdir()
    chosen = sorted((real_data / "images" / pictures).iterdir())[::10]
    for path in chosen:
        shutil.copyfile(path, folder / path.name)
    head, *lines = (real_data / "images" / labels).read_text().splitlines(keepends=True)
    names = {path.name for path in chosen}
    table.write_text(head + "".join(line for line in lines if line.partition(",")[0] in names))
    call_command("add_dataset", str(folder), labels=table, slug="real", **more)
    row = Dataset.objects.get()
    assert row.digest == Pictures.of_folder(folder).digest
    kept = translate.dataset(row)
    assert (row.size, len(kept), sum(it.label is None for it in kept.items)) == (100, 100, 0)
    zipped = shutil.make_archive(str(tmp_path / "real"), "zip", folder)
    call_command("add_dataset", zipped, labels=table, slug="real", **more)
