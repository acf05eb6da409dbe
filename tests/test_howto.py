"""The how-tos are run: what a page tells a newcomer to write works as it stands."""

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import threading

import pytest

from tests.api.uploading import PICTURE
from tests.howto import ROOT, commands, run


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
