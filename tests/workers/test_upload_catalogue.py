"""Files that lie, sent over HTTP: the draft's job fails by the name of what is wrong, before torch sees the file."""

import io
import json
import pickle
import struct
import threading
import zipfile

import pytest
import torch

from atlas.models import Checkpoint, Job, Membership, Neuron, Role, Team
from atlas.services import people
from tests.api.conftest import Api
from tests.api.uploading import form
from tests.workers.conftest import ORGANISM
from workers import registration
from workers.drain import Drain

GOOD = (ORGANISM / "weights.safetensors").read_bytes()
F32 = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
EMPTY = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}


def packed(entries: dict | bytes, data: bytes = b"") -> bytes:
    """A file with this header."""
    text = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text + data


def one(data: bytes = bytes(4), **change) -> bytes:
    """A file of one tensor, with something in its description changed."""
    return packed({"w": {**F32, **change}}, data)


def zipped(*members: str, inflated: int = 0) -> bytes:
    """An archive of these members, the last of which unfolds into so many zeros."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in members:
            archive.writestr(member, bytes(inflated))
    return buffer.getvalue()


def saved(thing: object, *, zip_archive: bool = True) -> bytes:
    """What `torch.save` makes of it."""
    buffer = io.BytesIO()
    torch.save(thing, buffer, _use_new_zipfile_serialization=zip_archive)
    return buffer.getvalue()


def rewritten(change) -> bytes:
    """The good file with other tensors."""
    from safetensors.numpy import load, save

    tensors = load(GOOD)
    change(tensors)
    return save(tensors)


def doctored(tensors: dict) -> None:
    """One tensor less, one more, one of another shape."""
    first, second, *_ = tensors
    tensors["spare"] = tensors.pop(first)
    tensors[second] = tensors[second][:-1]


def overflowing(tensors: dict) -> None:
    """Weights with which the first sum is infinite."""
    for name in tensors:
        tensors[name] = tensors[name] * 0 + 1e38


# By the entries of the catalogue of hostile files; C01, C34 and C35 are the door's, which knows hash and size.
CATALOGUE = {
    "C02 seven bytes": (b"1234567", "checkpoint-format"),
    "C04 HTML": (b"<html><script>alert(1)</script></html>" * 9, "checkpoint-format"),
    "C05 header longer than the file": (struct.pack("<Q", 1_000) + b'{"a": 1}', "checkpoint-header"),
    "C07 header of 8 MiB and one": (packed(b"{" + b" " * ((8 << 20) - 1) + b"}"), "checkpoint-header-too-large"),
    "C08 header not JSON": (packed(b"{nonsense}"), "checkpoint-header"),
    "C10 header not UTF-8": (packed(b'{"\xff": 1}'), "checkpoint-header"),
    "C11 a name twice": (packed(b'{"a": {}, "a": {}}'), "checkpoint-header"),
    "C13 truncated": (GOOD[:-100], "checkpoint-truncated"),
    "C14 trailing bytes": (GOOD + b"PK\x03\x04", "checkpoint-trailing"),
    "C16 hole": (one(bytes(8), data_offsets=[4, 8]), "checkpoint-offsets"),
    "C17 two names for one range": (packed({"a": F32, "b": F32}, bytes(4)), "checkpoint-offsets"),
    "C19 shape and range disagree": (one(shape=[2]), "checkpoint-offsets"),
    "C20 overflowing shape": (one(shape=[1 << 62, 1 << 62]), "checkpoint-shape"),
    "C22 nothing times too much": (one(b"", shape=[0, 1 << 62], data_offsets=[0, 0]), "checkpoint-shape"),
    "C23 a million dimensions": (one(shape=[1] * 1_000_000), "checkpoint-shape"),
    "C23 65 dimensions": (one(shape=[1] * 65), "checkpoint-shape"),
    "C23 nine dimensions": (one(shape=[1] * 9), "checkpoint-shape"),
    "C25 300,000 tensors": (packed({f"t{n}": EMPTY for n in range(300_000)}), "checkpoint-too-many-tensors"),
    "C26 traversing name": (packed({"../../etc/passwd": F32}, bytes(4)), "checkpoint-name"),
    "C28 metadata no text": (packed({"__metadata__": {"a": 1}, "w": F32}, bytes(4)), "checkpoint-header"),
    "C29 metadata of 5 MB": (packed({"__metadata__": {"a": "x" * 5_000_000}}), "checkpoint-metadata"),
    "C37 raw pickle": (pickle.dumps({"a": [1.0] * 9}), "checkpoint-pickle-refused"),
    "C38 pickled module": (saved(torch.nn.Linear(2, 2)), "checkpoint-pickle-refused"),
    "C40 pt2": (zipped("archive_format", "data/weights/weight_0", "models/model.json"), "checkpoint-format"),
    "C40 mar": (zipped("MAR-INF/MANIFEST.json", "model.pt"), "checkpoint-format"),
    "C40 h5": (b"\x89HDF\r\n\x1a\n" + bytes(2_000), "checkpoint-format"),
    "C40 onnx": (b"\x08\x07\x12\x07pytorch" + bytes(2_000), "checkpoint-format"),
    "C40 gguf": (b"GGUF\x03\x00\x00\x00" + bytes(2_000), "checkpoint-format"),
    "C40 npz": (zipped("weight.npy"), "checkpoint-format"),
    "C41 bomb": (zipped("archive/data.pkl", "archive/data/0", inflated=64 << 20), "checkpoint-pickle-refused"),
    "C43 traversing member": (zipped("../../data.pkl", "/etc/passwd"), "checkpoint-pickle-refused"),
    "C44 legacy": (saved({"w": torch.ones(3)}, zip_archive=False), "checkpoint-pickle-refused"),
    "C46 sparse": (saved({"w": torch.eye(3).to_sparse()}), "checkpoint-pickle-refused"),
}
READ = {  # what has to be opened by a library before one knows
    "C31 overflow": (rewritten(overflowing), "nonfinite-activation"),
    "C32 other tensors": (rewritten(doctored), "checkpoint-architecture"),
}


@pytest.fixture
def sent(fresh_database, card, artifact_folder):
    """Uploads files as drafts of their own, and has one worker look at all of them; their jobs."""
    curator = people.join(username="ada", password="correct horse battery").contributor
    lab = Team.objects.create(slug="lab", name="The lab")
    Membership.objects.create(team=lab, contributor=curator, role=Role.CURATOR)
    drain = Drain(stopping=threading.Event(), device="cpu")
    api = Api(curator.login)

    def send(files: dict[str, bytes]) -> dict[str, Job]:
        places = {
            name: api.send(form(weights=content, card=card, slug=f"file-{number}"))["Location"].rpartition("/")[2]
            for number, (name, content) in enumerate(files.items())
        }
        drain.drain(seconds=300)
        return {name: Job.objects.get(fingerprint=fingerprint) for name, fingerprint in places.items()}

    yield send
    drain.leave()
    assert not Neuron.objects.exists()
    assert set(Checkpoint.objects.values_list("status", "digest")) == {("draft", None)}
    assert list((artifact_folder / "tmp").iterdir()) == []


@pytest.fixture
def without_torch(tmp_path, monkeypatch):
    """Children that die when torch is there once they have judged; a refusal by the header alone is not touched."""
    script = tmp_path / "watched.py"
    script.write_text(
        "import os, sys\nfrom workers import examination\nstatus = examination.main(*sys.argv[1:5])\n"
        "if 'torch' in sys.modules or 'safetensors' in sys.modules:\n"
        "    os.remove(os.path.join(sys.argv[4], 'refusal.json'))\nraise SystemExit(status)\n"
    )
    real = registration._run
    monkeypatch.setattr(registration, "_run", lambda command, **more: real([command[0], script, *command[3:]], **more))


def named(jobs: dict[str, Job]) -> dict[str, str]:
    """By what name each failed."""
    assert {name: job.state for name, job in jobs.items()} == dict.fromkeys(jobs, "failed")
    assert {job.error["fault"] for job in jobs.values()} == {"yours"}
    return {name: job.error["slug"] for name, job in jobs.items()}


def test_a_lying_header_is_refused_by_name_before_a_library_is_loaded(sent, without_torch):
    found = named(sent({name: content for name, (content, _) in CATALOGUE.items()}))
    assert found == {name: slug for name, (_, slug) in CATALOGUE.items()}


def test_what_only_the_tensors_show_is_refused_by_name(sent):
    found = named(sent({name: content for name, (content, _) in READ.items()}))
    assert found == {name: slug for name, (_, slug) in READ.items()}


def test_the_watch_on_torch_can_fail(sent, without_torch):
    """Otherwise the first test of this file would prove nothing."""
    assert named(sent({"C32": READ["C32 other tensors"][0]})) == {"C32": "checkpoint-resource"}
