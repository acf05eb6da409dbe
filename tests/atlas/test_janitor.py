"""Every kind of leftover goes when its time has come and not before; a dry round removes nothing and says the same."""

import io
import os
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.utils import timezone

from atlas.errors import NoSuchImport, TooMuchStaged, WrongStage
from atlas.models import (
    Artifact,
    Change,
    Checkpoint,
    Chore,
    FootholdArtifact,
    Import,
    Job,
    KeptAnswer,
    Snapshot,
    UnsavedText,
    Upload,
)
from atlas.services import artifacts, drafts, imports, janitor
from atlas.services.checkpoints import read_card
from atlas.web import measures
from tests.api.uploading import CARD
from tests.importing import described, jsonl, stage

pytestmark = pytest.mark.django_db
A_DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def strays_of_its_own(tmp_path, monkeypatch):
    """The temporary folder of this test."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def removed() -> dict[str, int]:
    """What a round removes; the same that a dry one says before it."""
    said = {rule.name: found for rule, found in janitor.tidy(dry=True)}
    done = {rule.name: found for rule, found in janitor.tidy()}
    later = {"marks", "artifacts"}  # what refers to them goes in the same round
    assert {name: it for name, it in said.items() if name not in later} == {
        name: it for name, it in done.items() if name not in later
    }
    return {name: found.count for name, found in done.items() if found.count}


def test_where_nothing_is_left_nothing_goes(checkpoint):
    assert removed() == {}


def test_old_answers_sessions_and_superseded_snapshots_go(alice, ask_for, checkpoint):
    for key, age in (("old", 25), ("new", 23)):
        KeptAnswer.objects.create(
            contributor=alice, key=key, route="POST /", body_sha256="0" * 64,
            created_at=timezone.now() - timedelta(hours=age),
        )  # fmt: skip
        Session.objects.create(session_key=key, session_data="", expire_date=timezone.now() + (24 - age) * A_DAY)
    ask_for(checkpoint, alice, "edges:0")
    job = Job.objects.get()
    Job.objects.update(fence=2)
    for fence in (1, 2):
        picture = artifacts.keep(b"%d" % fence, media_type="image/png")
        Snapshot.objects.create(job=job, fence=fence, step=1, position=0, artifact=picture)
    assert removed() == {"answers": 1, "sessions": 1, "snapshots": 1}
    assert KeptAnswer.objects.get().key == Session.objects.get().session_key == "new"
    assert Snapshot.objects.get().fence == 2
    assert removed() == {}


def test_uploads_that_nothing_shows_go_when_they_are_old(alice, argued, settings):
    settings.LEFTOVER_DAYS = -1  # everything is old
    lonely, shown, typed = (
        Upload.objects.create(artifact=artifacts.keep(it, media_type="image/png"), uploaded_by=alice)
        for it in (b"lonely", b"shown", b"typed")
    )
    FootholdArtifact.objects.create(foothold=argued, artifact=shown.artifact, since=1)
    UnsavedText.objects.create(contributor=alice, item="new:x", content=[typed.artifact_id])
    assert removed() == {"uploads": 1}
    assert {row.pk for row in Upload.objects.all()} == {shown.pk, typed.pk}
    assert Change.objects.filter(table="upload", kind="delete").count() == 1
    assert Artifact.objects.filter(pk=lonely.artifact_id).exists(), "its bytes have their grace"
    settings.LEFTOVER_DAYS = 30
    UnsavedText.objects.all().delete()
    assert removed() == {}


def test_the_file_of_a_refused_checkpoint_goes_and_its_draft_takes_another(registering, operator, settings):
    given = {"slug": "draft", "architecture": "a", "card": read_card(CARD), "team": None}

    def upload():
        return drafts.upload(actor=operator, weights=io.BytesIO(b"w"), sha256="f" * 64, **given)

    upload()
    assert removed() == {}
    Job.objects.update(state="failed", finished_at=timezone.now() - 31 * A_DAY)
    assert removed() == {"refused": 1}
    row = Checkpoint.objects.get(slug="draft")
    assert (row.upload, row.question, row.status) == (None, "", "draft")
    assert not drafts.current(Job.objects.get()).exists(), "queued again, it is refused by name"
    upload()
    assert Checkpoint.objects.get(slug="draft").upload_id


def test_scratch_and_strays_go(settings, strays_of_its_own, alice, ask_for, checkpoint):
    ask_for(checkpoint, alice, "edges:0")
    wanted = Job.objects.get().fingerprint
    for name in (wanted, "f" * 64):
        (settings.SCRATCH / name).mkdir(parents=True)
        (settings.SCRATCH / name / "state").write_bytes(b"1234")
    for name, old in (("atlas-materials-1", True), ("atlas-materials-2", False), ("somebody-else", True)):
        (strays_of_its_own / name).mkdir()
        if old:
            os.utime(strays_of_its_own / name, (0, 0))
    beyond = strays_of_its_own / "beyond"
    (beyond / "somebody's").mkdir(parents=True)
    (strays_of_its_own / "atlas-materials-3").symlink_to(beyond)
    for path in (beyond, beyond / "somebody's"):
        os.utime(path, (0, 0))
    assert removed() == {"scratch": 1, "strays": 1}
    assert (beyond / "somebody's").exists()
    assert [it.name for it in settings.SCRATCH.iterdir()] == [wanted]
    assert {it.name for it in strays_of_its_own.iterdir()} == {
        "atlas-materials-2",
        "atlas-materials-3",
        "beyond",
        "somebody-else",
    }


def test_what_was_half_written_goes_after_an_hour(artifact_folder: Path):
    (artifact_folder / "tmp").mkdir(parents=True)
    for name, age in (("old", 7200), ("new", 600)):
        (artifact_folder / "tmp" / name).write_bytes(b"half")
        then = timezone.now().timestamp() - age
        os.utime(artifact_folder / "tmp" / name, (then, then))
    assert removed() == {"unfinished": 1}
    assert [it.name for it in (artifact_folder / "tmp").iterdir()] == ["new"]


class TestImports:
    def test_what_nobody_commits_goes_and_what_is_committed_stays(self, preview, ana, settings):
        old, kept = preview([described(1)]), preview([described(2)])
        imports.commit(actor=ana, batch=kept)
        assert removed() == {}
        settings.LEFTOVER_DAYS = -1
        assert removed() == {"imports": 1}
        assert Import.objects.get() == kept
        with pytest.raises(NoSuchImport):
            imports.judge(actor=ana, batch=old)

    def test_it_is_discarded_until_something_of_it_is_written(self, preview, ana):
        batch = preview([described(1)])
        imports.discard(actor=ana, batch=batch)
        assert not Import.objects.exists()
        with pytest.raises(NoSuchImport):
            imports.discard(actor=ana, batch=batch)
        batch = preview([described(1)])
        imports.commit(actor=ana, batch=batch)
        with pytest.raises(WrongStage, match="committed"):
            imports.discard(actor=ana, batch=batch)

    def test_nobody_holds_more_imports_or_rows_than_are_allowed(self, ana, bo, lab, monkeypatch):
        monkeypatch.setattr(imports, "MOST_STAGED", 2)
        monkeypatch.setattr(imports, "MOST_ROWS", 5)

        def three(actor):
            return stage(jsonl(described(number) for number in range(3)), actor=actor, team=lab)

        first = three(ana)
        with pytest.raises(TooMuchStaged, match="you have 1"):
            three(ana)
        three(bo)
        assert Import.objects.filter(by=ana).count() == 1, "nothing of what was refused is left"
        monkeypatch.setattr(imports, "MOST_ROWS", 100)
        three(ana)
        with pytest.raises(TooMuchStaged):
            three(ana)
        imports.discard(actor=ana, batch=first)
        three(ana)


class TestRounds:
    def test_one_of_several_workers_is_told_that_a_round_is_due(self, settings):
        settings.TIDY_SECONDS = 3600
        assert [janitor.is_due() for _ in range(3)] == [True, False, False]
        Chore.objects.update(begun_at=timezone.now() - timedelta(hours=2))
        assert janitor.is_due()
        Chore.objects.update(begun_at=timezone.now() - timedelta(hours=2))
        settings.TIDY_SECONDS = 0
        assert not janitor.is_due(), "only when somebody calls it"

    def test_the_command_says_what_it_did_and_dry_it_does_nothing(self, artifact_folder):
        (artifact_folder / "tmp").mkdir(parents=True)
        (artifact_folder / "tmp" / "old").write_bytes(b"half")
        os.utime(artifact_folder / "tmp" / "old", (0, 0))
        for words, last in ((["--dry-run"], "nothing was removed"), ([], "tidied")):
            out = io.StringIO()
            call_command("tidy", *words, stdout=out)
            lines = out.getvalue().splitlines()
            assert lines[-1] == last
            [line] = [line for line in lines if line.startswith("unfinished")]
            assert line.split()[1] == "1"
        assert not list((artifact_folder / "tmp").iterdir())

    def test_what_it_removed_is_measured(self):
        assert "atlas_tidied_timestamp_seconds 0.0" in measures.text().decode()
        for _, _ in janitor.tidy():
            pass
        Chore.objects.filter(name="artifacts").update(removed=3, freed=4096)
        said = measures.text().decode()
        assert 'atlas_tidied_total{rule="artifacts"} 3.0' in said
        assert 'atlas_tidied_bytes_total{rule="artifacts"} 4096.0' in said
        assert "atlas_tidied_timestamp_seconds 0.0" not in said

    def test_every_rule_is_documented(self):
        said = (configured.BASE_DIR / "docs" / "how-to" / "operate.md").read_text()
        assert [rule.name for rule in janitor.RULES if f"| `{rule.name}` |" not in said] == []
