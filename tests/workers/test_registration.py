"""Bringing a checkpoint in by the operator's command: idempotent, and hostile files are refused by name."""

import io
import json
import os
import struct
import sys
import zipfile

import pytest
from django.core.management import CommandError, call_command

from atlas.models import Artifact, Checkpoint, Layer, Neuron
from tests.workers.conftest import ORGANISM

pytestmark = pytest.mark.django_db


def run(slug="curve-circuit", architecture="curve-circuit", weights=None, card=None) -> str:
    out = io.StringIO()
    call_command(
        "register_checkpoint",
        slug,
        architecture=architecture,
        weights=weights or ORGANISM / "weights.safetensors",
        card=card or ORGANISM / "card.json",
        stdout=out,
    )
    return out.getvalue()


def test_the_organism_registers_once():
    said = run()
    assert "registered" in said
    assert "the weights are" in said  # progress
    neurons = Neuron.objects.count()
    assert neurons == sum(Layer.objects.values_list("channels", flat=True)) > 20
    assert "was registered already" in run()
    assert Neuron.objects.count() == neurons


def test_order_and_container_of_the_file_do_not_matter(tmp_path, organism):
    from safetensors.numpy import load_file, save_file

    tensors = load_file(ORGANISM / "weights.safetensors")
    other = tmp_path / "other.safetensors"
    save_file(dict(reversed(tensors.items())), other, metadata={"written": "by somebody else"})
    assert "was registered already" in run(weights=other)


def test_another_slug_for_the_same_function_is_refused(organism):
    with pytest.raises(CommandError, match="registered already, as curve-circuit"):
        run(slug="another")


def header(entries: dict, data: bytes = b"") -> bytes:
    text = json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text + data


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("archive/data.pkl", b"\x80\x02.")
    return buffer.getvalue()


GOOD = (ORGANISM / "weights.safetensors").read_bytes() if (ORGANISM / "weights.safetensors").exists() else b""
F32 = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
HOSTILE = {
    "empty": (b"", "checkpoint-empty"),
    "seven bytes": (b"1234567", "checkpoint-format"),
    "html": (b"<html><script>alert(1)</script></html>" * 9, "checkpoint-format"),
    "pickle": (b"\x80\x04\x95" + b"cos\nsystem\n" * 9, "checkpoint-pickle-refused"),
    "zipped pickle": (archive(), "checkpoint-pickle-refused"),
    "truncated": (GOOD[:-100], "checkpoint-truncated"),
    "trailing bytes": (GOOD + b"tail", "checkpoint-trailing"),
    "header too long": (struct.pack("<Q", 1 << 40) + b"{}", "checkpoint-header-too-large"),
    "header not JSON": (struct.pack("<Q", 8) + b"notjson!", "checkpoint-header"),
    "traversing name": (header({"../../etc/passwd": F32}, bytes(4)), "checkpoint-name"),
    "nine dimensions": (header({"w": {**F32, "shape": [1] * 9}}, bytes(4)), "checkpoint-shape"),
    "overflowing shape": (header({"w": {**F32, "shape": [0, 1 << 62], "data_offsets": [0, 0]}}), "checkpoint-shape"),
    "wrong size": (header({"w": {**F32, "shape": [2]}}, bytes(4)), "checkpoint-offsets"),
    "other tensors": (header({"w": F32}, bytes(4)), "checkpoint-architecture"),
    "too many tensors": (
        header({f"t{n}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for n in range(20_001)}),
        "checkpoint-too-many-tensors",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_by_name_and_leaves_nothing(name, tmp_path, artifact_folder):
    content, slug = HOSTILE[name]
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(content)
    with pytest.raises(CommandError, match=rf"\({slug}\)"):
        run(weights=weights)
    assert not Checkpoint.objects.exists()
    assert not Artifact.objects.exists()
    assert not artifact_folder.exists()


def test_a_flipped_bit_is_another_checkpoint(tmp_path, organism):
    weights = tmp_path / "flipped.safetensors"
    flipped = bytearray(GOOD)
    flipped[-3] ^= 1
    weights.write_bytes(flipped)
    with pytest.raises(CommandError, match="registered already, with other content"):
        run(weights=weights)


def test_a_mis_shaped_tensor_names_the_tensor(tmp_path):
    from safetensors.numpy import load_file, save_file

    tensors = load_file(ORGANISM / "weights.safetensors")
    name = next(iter(tensors))
    tensors[name] = tensors[name][:-1]
    weights = tmp_path / "weights.safetensors"
    save_file(tensors, weights)
    with pytest.raises(CommandError, match=name):
        run(weights=weights)


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"input": {}}, "channel_order is missing"),
        ({"input": None}, "/input"),
        ({"licence": ""}, "/licence"),
        ({"aliases": {"conv1": "nowhere"}}, "nowhere"),
        ({"architecture": "x"}, None),
    ],
    ids=str,
)
def test_a_bad_card_is_refused_with_the_field(change, names, card, tmp_path):
    path = tmp_path / "card.json"
    path.write_text(json.dumps({**card, **change}))
    if names is None:  # what the command line says wins over the card
        assert run(card=path)
        return
    with pytest.raises(CommandError, match=names):
        run(card=path)
    assert not Checkpoint.objects.exists()


def test_an_unknown_architecture_names_the_closest():
    with pytest.raises(CommandError, match="curve-circuit"):
        run(architecture="curve-circus")


def test_a_card_that_is_no_json_is_refused(tmp_path):
    path = tmp_path / "card.json"
    path.write_text("{")
    with pytest.raises(CommandError, match="not JSON"):
        run(card=path)


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(CommandError, match="no such file"):
        run(weights=tmp_path / "nothing.safetensors")


def test_a_slug_that_cannot_be_one_is_refused_before_the_file_is_looked_at(tmp_path):
    with pytest.raises(CommandError, match="cannot name a checkpoint"):
        run(slug="Not A Slug", weights=tmp_path / "nothing.safetensors")


def test_the_child_that_opens_the_file_is_told_no_secret(tmp_path, monkeypatch):
    from workers import registration

    monkeypatch.setenv("ATLAS_SECRET_KEY", "canary")
    heard: list[str] = []
    tell = (
        "import os; print(' '.join(name for name, value in os.environ.items() if 'canary' in value or 'ATLAS' in name))"
    )
    assert registration._run([sys.executable, "-c", tell], log=tmp_path / "log", progress=heard.append) == 0
    assert heard == [""]


def test_a_child_that_hangs_is_killed(tmp_path, monkeypatch):
    from workers import registration

    monkeypatch.setattr(registration, "PATIENCE", 0.2)
    hang = [sys.executable, "-c", "import time; time.sleep(60)"]
    assert registration._run(hang, log=tmp_path / "log", progress=lambda line: None) == -9


def test_a_file_that_wants_more_than_its_share_kills_the_child_only(tmp_path, monkeypatch):
    """The limits of the child are real: with next to no memory left, the refusal says so by name."""
    from workers import registration

    limited = tmp_path / "limited.py"
    limited.write_text(
        "import sys\nfrom workers import examination\nexamination.MEMORY = 32 << 20\n"
        "raise SystemExit(examination.main(*sys.argv[1:5]))\n"
    )
    real = registration._run

    def with_little_memory(command, **more):
        return real([command[0], str(limited), *command[3:]], **more)

    monkeypatch.setattr(registration, "_run", with_little_memory)
    with pytest.raises(CommandError, match=r"\(checkpoint-resource\)"):
        run()
    assert not Checkpoint.objects.exists()


def test_an_oversized_file_is_refused_before_a_byte_of_it_is_read(tmp_path, monkeypatch):
    """A file of holes: as large as one pleases, and costs no disk. No child is even started for it."""
    from workers import registration

    weights = tmp_path / "large.safetensors"
    weights.touch()
    os.truncate(weights, registration.LARGEST_FILE + 1)
    monkeypatch.setattr(registration, "_run", lambda *_, **__: pytest.fail("a child was started"))
    with pytest.raises(CommandError, match=r"\(too-large\)"):
        run(weights=weights)
    assert not Artifact.objects.exists()
