"""The how-tos are run: what a page tells a newcomer to write works as it stands."""

import dataclasses
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from tests.api.uploading import PICTURE

ROOT = Path(__file__).parent.parent


def run(page: str) -> tuple[dict, str]:
    """Execute a page's Python blocks one after the other; (what they defined, their source)."""
    text = (ROOT / "docs" / "how-to" / page).read_text()
    blocks = [textwrap.dedent(block) for block in re.findall(r"^ *```python\n(.*?)^ *```$", text, flags=re.M | re.S)]
    defined: dict = {"__name__": "how_to"}
    for block in blocks:
        exec(compile(block, page, "exec"), defined)
    return defined, "".join(blocks)


@pytest.fixture(autouse=True)
def in_the_checkout(monkeypatch):
    """Pages name files from the root of the checkout."""
    monkeypatch.chdir(ROOT)


def test_the_probe_that_the_how_to_adds_answers(capsys):
    defined, _ = run("add-a-probe.md")
    numbers = defined["finding"].numbers
    # A Gabor has no DC, so a flat picture excites it at the border only, where the padding is seen.
    assert numbers["minimum"] <= numbers["mean"] <= numbers["maximum"]
    assert str(numbers) in capsys.readouterr().out


def test_the_probe_that_the_how_to_adds_keeps_what_probes_keep():
    from workers.interp.address import Subject
    from workers.interp.errors import NoSuchUnit
    from workers.interp.probe import Failure, Finding, Probe

    defined, _ = run("add-a-probe.md")
    probe: Probe = defined["flat_response"]
    seen = []
    asked = [Subject.parse(unit) for unit in ("gabor:0", "gabor:99", "curve:1")]
    answers = list(probe.run(defined["lens"], asked, probe.example, observe=seen.append))
    assert [type(answer) for answer in answers] == [Finding, Failure, Finding]
    assert isinstance(answers[1].error, NoSuchUnit)
    assert seen[-1].done == seen[-1].of


def test_the_architecture_that_the_how_to_adds_opens(capsys):
    defined, _ = run("add-an-architecture.md")
    assert list(defined["checkpoint"].layers) == ["both", "readout"]
    assert "wide is both, channels 8 to 15" in capsys.readouterr().out


def commands(page: str, *, naming: str) -> list[str]:
    """A page's shell blocks in which this word occurs."""
    text = (ROOT / "docs" / "how-to" / page).read_text()
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```$", text, flags=re.M | re.S)
    return [textwrap.dedent(block) for block in blocks if naming in block]


def test_the_upload_that_the_how_to_makes_is_published(server_url, monkeypatch):
    """Its commands as they stand, at a server of ours and with a token, and a worker in between."""
    from atlas.models import Checkpoint, Membership, Role, Team
    from atlas.services import people, tokens
    from workers.drain import Drain

    if shutil.which("curl") is None:
        (pytest.fail if os.environ.get("ATLAS_CI") else pytest.skip)("curl is not installed")
    ada = people.join(username="ada", password="correct horse battery")
    lab = Team.objects.create(slug="lab", name="The lab")
    Membership.objects.create(team=lab, contributor=ada.contributor, role=Role.CURATOR)
    _, token = tokens.create(owner=ada, name="script", scopes=["import", "write"])
    drain = Drain(stopping=threading.Event(), device="cpu")
    export, upload, edit = [
        part
        for block in commands("register-a-checkpoint.md", naming="curl")
        for part in re.findall(r"^(?:export|curl)(?:[^\n]*\\\n)*[^\n]*\n", block, flags=re.M)
    ]
    assert export.startswith("export FOOTHOLDS=")

    def run_it(command: str) -> str:
        environment = {**os.environ, "FOOTHOLDS": server_url, "TOKEN": token}
        done = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "Location: /api/v1/jobs/" in run_it(upload)
    drain.drain(seconds=60)
    drain.leave()
    assert Checkpoint.objects.get().status == "published"
    assert json.loads(run_it(edit))["title"] == "Our curves"
    assert Checkpoint.objects.get().visibility == "public"


def test_the_script_that_annotates_does_all_it_says(server_url, organism_like, answer_jobs_on, tmp_path):
    """The page as one script: at a server of ours, by an annotator and a reviewer of a team."""
    from atlas.models import Foothold, Membership, Role, Team
    from atlas.services import people, teams, tokens
    from atlas.services.jobs import request
    from atlas.services.questions import ask

    if shutil.which("curl") is None:
        (pytest.fail if os.environ.get("ATLAS_CI") else pytest.skip)("curl is not installed")
    lab = teams.found(actor=None, slug="lab", name="The lab")
    shown = {}
    cast = (("ada", Role.ANNOTATOR, ["read", "write", "compute"]), ("bo", Role.REVIEWER, ["read", "review"]))
    for handle, role, scopes in cast:
        person = people.join(username=handle, password="correct horse battery")
        Membership.objects.create(team=lab, contributor=person.contributor, role=role)
        shown[handle] = tokens.create(owner=person, name="script", scopes=scopes)[1]
    known = {"checkpoint": organism_like, "probe": "feature-visualization", "site": None, "params": {}}
    questions = ask(subjects=["curve:1"], many=True, **known)
    request(actor=Team.objects.get(slug="ada").person, checkpoint=organism_like, questions=questions)
    answer_jobs_on()
    (tmp_path / "plot.png").write_bytes(PICTURE)
    said = "".join(block for block in commands("annotate.md", naming="") if not block.startswith("export"))
    tokens_of = {"TOKEN": shown["ada"], "REVIEWER_TOKEN": shown["bo"]}
    script = ["sh", "-eu", "-c", said]
    environment = {**os.environ, "FOOTHOLDS": server_url, **tokens_of}
    done = subprocess.run(script, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    claim = Foothold.objects.get(kind="description")
    address, tag, by_job, by_picture, tested, why, circuits = done.stdout.splitlines()
    assert (address, tag) == (f"{server_url}/f/{claim.accession}", f"{claim.accession}.2")
    assert list(claim.support.values_list("evidence__accession", flat=True)) == [by_job, by_picture]
    assert tested == "waiting"
    assert why.startswith("1 agree, 0 dispute")
    assert circuits == "[]"
    assert (tmp_path / "claim.dot").read_text().startswith(f'digraph "{claim.accession}"')
    assert "graphml" in (tmp_path / "claim.graphml").read_text()


@pytest.fixture
def organism_like(fresh_database, probe_on, tmp_path):
    """A checkpoint of rows with the name and the layers of the one that ships, and a probe to ask of it."""
    from atlas.services import checkpoints
    from atlas.services.checkpoints import LayerFacts
    from tests.conftest import registration

    folder = ROOT / "workers" / "organisms" / "curve-circuit"
    card = checkpoints.read_card(json.loads((folder / "card.json").read_text()))
    layers = [
        LayerFacts(key, "conv", len(named), [1, 1], [9, 9], [32, 32], ["pre_relu", "post_relu"])
        for key, named in card["units"].items()
    ]
    facts = dataclasses.replace(registration(), layers=layers, aliases=[])
    weights = folder / "weights.safetensors"
    row, _ = checkpoints.register(actor=None, slug="curve-circuit", facts=facts, card=card, weights=weights)
    probe_on()
    return row


def test_what_the_how_to_imports_is_there_and_leaves_again(server_url, tmp_path):
    """Its commands as they stand, in one shell, at a server of ours and with a token."""
    from atlas.models import Foothold
    from atlas.services import people, tokens
    from atlas.services.checkpoints import LayerFacts, read_card, register
    from tests.conftest import registration

    if shutil.which("curl") is None:
        (pytest.fail if os.environ.get("ATLAS_CI") else pytest.skip)("curl is not installed")
    layers = [LayerFacts("gabor", "conv", 8, [1, 1], [9, 9], [32, 32], ["pre_relu", "post_relu"])]
    facts = dataclasses.replace(registration("g"), layers=layers, aliases=[])
    (tmp_path / "weights").write_bytes(b"w")
    card = read_card({"title": "Curves", "input": {}, "licence": "CC0-1.0"})
    register(actor=None, slug="curve-circuit", facts=facts, card=card, weights=tmp_path / "weights")
    ada = people.join(username="ada", password="correct horse battery")
    _, token = tokens.create(owner=ada, name="script", scopes=["read", "import"])
    assert commands("import-and-export.md", naming="export FOOTHOLDS=")
    environment = {**os.environ, "FOOTHOLDS": server_url, "TOKEN": token}
    script = "set -e\n" + "\n".join(commands("import-and-export.md", naming="curl"))
    done = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    refused, committed, undone, redone = json.loads(f"[{done.stdout.strip().replace('}{', '},{')}]")
    assert [row["line"] for row in refused["items"]] == [3]
    assert committed["outcome"] == {"created": 2, "refused": 1}
    assert (undone["reversal"], redone["reversal"]) == ({"withdrawn": 2}, {"redone": 2})
    assert Foothold.objects.filter(state="proposed").count() == 2
    lines = [json.loads(line) for line in (tmp_path / "footholds.jsonl").read_text().splitlines()]
    assert [line["external_id"] for line in lines] == ["gabor-2", "gabors"]
    assert "Edges at 45°" in (tmp_path / "descriptions.csv").read_text()


def test_the_card_that_the_how_to_shows_is_accepted():
    from atlas.services.checkpoints import read_card
    from workers.interp.input_spec import InputSpec

    text = (ROOT / "docs" / "how-to" / "register-a-checkpoint.md").read_text()
    [block] = re.findall(r"```json\n(.*?)```", text, flags=re.S)
    card = read_card(json.loads(textwrap.dedent(block)))
    assert InputSpec.from_json(card["input"]).size == (227, 227)


def test_what_the_how_to_cites_is_cited(capsys):
    defined, _ = run("cite.md")
    assert defined["markup"] == "[https://atlas.example.org/f/F7K3Q9XD2M/v3 Car detector]\n"
    sentence, _, *credits = capsys.readouterr().out.splitlines()
    assert sentence.startswith(
        "Rivera, Ana. Car detector, version 3. atlas.example.org Atlas, 3 October 2026. https://"
    )
    assert credits == ["ana 27 of 37", "ben 10 of 37"]


def test_the_table_of_citation_formats_is_the_one_in_the_code():
    from atlas.citing import FORMATS

    text = (ROOT / "docs" / "how-to" / "cite.md").read_text()
    rows = re.findall(r"^\| `(\.[\w.]+)` \| `([^`]+)` \|", text, flags=re.M)
    assert rows == [(suffix, form.media_type) for suffix, form in FORMATS.items()]


def test_the_query_that_the_how_to_reads_is_read(capsys):
    run("search.md")
    assert capsys.readouterr().out == '"Curve detector" -kind:link (state:accepted OR confidence:>=4)\n'


def test_every_query_and_field_that_the_how_to_shows_is_understood():
    from atlas.search import parse
    from atlas.search.fields import FIELDS

    text = (ROOT / "docs" / "how-to" / "search.md").read_text()
    for row in re.findall(r"^\| (`.*?`) \|", text.partition("## Fields")[0], flags=re.M):
        for query in re.findall(r"`([^`]+)`", row):
            parse(query)
    fields = dict(re.findall(r"^\| `([\w-]+):` \| (.*) \|", text, flags=re.M))
    assert list(fields) == list(FIELDS)
    for name, spec in FIELDS.items():
        assert all(choice in fields[name] for choice in spec.choices), name


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


def test_what_the_how_to_backs_up_it_restores(fresh_database, tmp_path):
    """Its commands as they stand, with folders of ours and an empty place to restore into."""
    from django.db import connection

    from atlas.services import people

    if connection.vendor != "sqlite":
        pytest.skip("the page restores into another folder; tests/atlas/test_backups.py does so into another database")
    people.join(username="ada", password="correct horse battery")
    said = "".join(commands("operate.md", naming="manage.py"))
    assert (said.count("manage.py backup"), said.count("manage.py restore")) == (2, 1)
    said = said.replace("/srv/", f"{tmp_path}/").replace(".venv/bin/python", sys.executable)
    environment = {**fresh_database, "DJANGO_SETTINGS_MODULE": "atlas.settings"}
    done = subprocess.run(["sh", "-eu", "-c", said], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "OK  artifacts: all files are there" in done.stdout
    assert "restored what was there" in done.stdout.splitlines()[-1]
