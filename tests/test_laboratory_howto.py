"""The how-tos of the laboratory are run: notebooks as they stand, and scripts at a server with a worker beside it."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.howto import ROOT, commands, run


@pytest.fixture(autouse=True)
def in_the_checkout(monkeypatch):
    """Pages name files from the root of the checkout."""
    monkeypatch.chdir(ROOT)


def test_the_notebook_shows_what_it_says_and_knows_no_service(tmp_path):
    """In a process of its own: what it runs loads neither Django nor Celery."""
    text = (ROOT / "docs" / "how-to" / "visualize-from-a-notebook.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```$", text, flags=re.M | re.S)
    checks = (
        "import sys\n"
        "assert not {'django', 'celery', 'rest_framework', 'atlas'} & set(sys.modules)\n"
        "assert all(one.numbers['beats_noise'] for one in (unit, together, direction, middle, dream, natural, brief))\n"
        "assert len(faces.numbers['pictures']) == 3\n"
        "assert brief.numbers['steps'] < 512 and brief.numbers['size'] < 64\n"
    )
    page = tmp_path / "page.py"
    page.write_text("\n".join([*blocks, checks]))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, str(page)], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "curve has 8 units; there is no unit 99." in done.stdout


def test_the_connections_that_the_how_to_traces_are_found(capsys):
    defined, _ = run("trace-a-connection.md")
    said = capsys.readouterr().out.splitlines()
    assert [line.split(" norm")[0] for line in said[:2]] == ["gabor:2 +", "gabor:10 +"]
    assert said[4] == "True 100% lost"
    assert said[6:9] == ["(1, 13, 13, 16) (-6, -6) (1, 1)", "[('line',)]", "(8, 16)"]
    assert "('curve', 'line') 0.791" in said
    assert defined["factors"].error < 0.6


def test_the_tuning_that_the_how_to_measures_is_found(capsys):
    run("measure-tuning.md")
    first, joint, centre, anywhere, shape, published, turned = capsys.readouterr().out.splitlines()
    assert first == "135° R 0.99 echo 0.00"
    assert joint.startswith("130.0 15.0 {'span': {'value': 90.0, 'unit': '°'}")
    assert float(anywhere.split()[1]) > 2 * float(centre.split()[1])
    assert shape.startswith("(36, 6) Responses of curve:3 to 216 stimuli of the family curve by orientation and radius")
    assert published == "240.0"
    assert 0 <= float(turned) <= 30


def test_the_counterparts_that_the_how_to_finds_are_of_the_same_hue(capsys):
    run("find-counterparts.md")
    first, *_, weighed, answered = capsys.readouterr().out.splitlines()
    assert first == "1 conv0:4 r 0.996, turned back by 0°: 0.996"
    assert weighed == "weights conv0:4 0.70 of 24 units, n = 147"
    assert answered.startswith("activation conv0:4 0.93 of 24 units")


def annotator(*scopes: str, role: str = "ANNOTATOR") -> str:
    """A token of Ada, who has this role in a team."""
    from atlas.models import Membership, Role
    from atlas.services import people, teams, tokens

    ada = people.join(username="ada", password="correct horse battery")
    lab = teams.found(actor=None, slug="lab", name="The lab")
    Membership.objects.create(team=lab, contributor=ada.contributor, role=Role[role])
    return tokens.create(owner=ada, name="script", scopes=list(scopes))[1]


def registered(folder: Path) -> None:
    """The handwritten checkpoint, on the database at hand."""
    from atlas.services import checkpoints
    from tests.workers.conftest import ORGANISM
    from workers import registration

    card = checkpoints.read_card(json.loads((ORGANISM / "card.json").read_text()))
    facts = registration.examined(
        ORGANISM / "weights.safetensors", architecture="curve-circuit", card=card, folder=folder,
        progress=lambda step: None,
    )  # fmt: skip
    checkpoints.register(
        actor=None, slug="curve-circuit", facts=facts, card=card, weights=folder / "weights.safetensors"
    )


def scripted(*pages: str, **environment: str) -> list[list[str]]:
    """What the commands of each page say as they stand, one after the other, with a worker beside them."""
    from workers.drain import Drain

    stopping = threading.Event()
    drain = Drain(stopping=stopping, device="cpu")

    def work() -> None:
        from django.db import connection

        while not stopping.wait(0.1):
            drain.drain(seconds=30)
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        return [shell(page, **environment) for page in pages]
    finally:
        stopping.set()
        worker.join()
        drain.leave()


def shell(page: str, *, without: tuple[str, ...] = ("export",), **environment: str) -> list[str]:
    """What a page's commands say, but for the blocks that only name the service, or are for somebody else."""
    if shutil.which("curl") is None:
        (pytest.fail if os.environ.get("ATLAS_CI") else pytest.skip)("curl is not installed")
    said = "".join(it for it in commands(page, naming="") if not it.startswith(without))
    known = {**os.environ, **environment}
    done = subprocess.run(["sh", "-eu", "-c", said], env=known, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_the_scripts_that_measure_are_answered(server_url, tmp_path):
    """Their commands as they stand, at a server of ours: a link rests on its measurement, a prediction is tested."""
    from atlas.models import Connection, Foothold

    known = {"FOOTHOLDS": server_url, "TOKEN": annotator("read", "compute", "write")}
    registered(tmp_path)
    traced, tuned = scripted("trace-a-connection.md", "measure-tuning.md", **known)
    assert traced[1:] == ["line:3", "line:3 builds-from curve:0"]
    assert Foothold.objects.filter(kind="link").count() == 1
    assert Connection.objects.count() == 5
    assert tuned == ["0.0", "held"]


def test_the_interventions_of_the_how_to_do_what_it_says(capsys, server_url, tmp_path):
    """In the notebook, and over HTTP with the file that the notebook has written."""
    defined, _ = run("intervene.md")
    said = capsys.readouterr().out.splitlines()
    assert said[2] == "-0.125 (-0.471 to 0.240), 1 lost"
    assert said[3].startswith("sham identical: True, larger than ")
    assert said[4] == "curve towards 135° -0.29"
    assert said[-1] == "[1.0, 0.125, 1.0]"
    registered(tmp_path)
    known = {"FOOTHOLDS": server_url, "TOKEN": annotator("read", "write", "compute"), "MADE": str(defined["made"])}
    [answered] = scripted("intervene.md", **known)
    assert answered[0] == "True"
    assert float(answered[1]) > 0


def test_the_dataset_that_the_how_to_adds_is_one_by_every_way(server_url, tmp_path, monkeypatch, capsys):
    """Its commands as they stand: over HTTP in one shell, then by the operator, and in a notebook."""
    from django.core.management import CommandError, call_command

    from atlas.models import Dataset

    token = annotator("read", "import", role="CURATOR")
    defined, _ = run("add-a-dataset.md")
    monkeypatch.chdir(tmp_path)
    refused, picture, address = shell(
        "add-a-dataset.md", without=("export", "python manage.py"), FOOTHOLDS=server_url, TOKEN=token
    )
    row = Dataset.objects.get()
    assert row.digest == defined["dataset"].digest
    assert capsys.readouterr().out.split() == ["3", row.digest]
    assert (refused, address) == ("notes.txt", f"{server_url}/d/{row.digest}")
    assert picture == f"/a/{row.items.get(label=1).artifact_id}.png"
    [command] = [it for it in commands("add-a-dataset.md", naming="") if it.startswith("python manage.py")]
    with pytest.raises(CommandError, match="already, as three-colours"):
        call_command(*shlex.split(command)[2:])
    call_command(*shlex.split(command)[2:], "--slug", "three-colours")
    assert f"three-colours was registered already: 3 pictures, 0 of them without a label, digest {row.digest}" in (
        capsys.readouterr().out
    )


def test_what_the_how_to_records_is_found(capsys):
    defined, _ = run("record-activations.md")
    said = capsys.readouterr().out.splitlines()
    assert defined["maxima"].shape == (13, sum(layer.channels for layer in defined["lens"].layers.values()))
    best = next(it for it in defined["finding"].numbers["examples"] if it.get("rank") == 1)
    assert said[0].startswith(f"{defined['names'][best['item']]} {best['value']:.3g} at ")
    assert len(defined["firing"].numbers["units"]) == 5
    assert "percentile 100" in said[-1] or "z " in said[-1]


def test_the_script_that_records_asks_which_neurons_fire(server_url, tmp_path):
    from atlas.models import UnitStatistics
    from tests.workers.test_recording import photographs

    registered(tmp_path)
    known = {"FOOTHOLDS": server_url, "TOKEN": annotator("read", "compute"), "DATASET": photographs().digest}
    [said] = scripted("record-activations.md", **known)
    rows = UnitStatistics.objects.filter(neuron__layer__key="curve", neuron__channel=0)
    assert float(said[1]) == rows.get().examples[-1]["value"]
    assert int(said[2]) in range(101)
