"""What keeps an eye on the service: probes, the page of workers, measures for Prometheus, lines of JSON."""

import json
import logging
import re

import pytest
import yaml
from django.conf import settings as configured
from django.core.cache import cache

from atlas import health
from atlas.acting import acting
from atlas.errors import LeaseLost
from atlas.logs import Structured
from atlas.models import Job
from atlas.services import jobs, tallies, workers
from atlas.web import measures
from atlas.web.views import operation
from tests.atlas.web.reading import faults, read

pytestmark = pytest.mark.django_db
TOKEN = "a token that only the scraper has"
ROOT = configured.BASE_DIR


@pytest.fixture(autouse=True)
def nothing_remembered():
    """No look of an earlier test counts."""
    operation.glance = operation.Glance()
    cache.clear()


class TestProbes:
    def test_a_process_that_answers_lives_whatever_else_is_wrong(self, client, django_assert_num_queries):
        with django_assert_num_queries(0):
            assert client.get("/healthz").content == b"ok\n"

    def test_a_whole_service_is_ready(self, client):
        assert client.get("/readyz").json() == {"ready": True, "wrong": []}

    def test_a_store_that_cannot_be_written_is_named_and_nothing_more(self, client, artifact_folder, caplog):
        artifact_folder.parent.mkdir(exist_ok=True)
        artifact_folder.write_text("a file where the folder should be")
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()) == (503, {"ready": False, "wrong": ["storage"]})
        assert "not ready: storage cannot be written" in caplog.text
        assert client.get("/healthz").status_code == 200

    def test_missing_migrations_and_a_database_that_is_away_are_named(self, client, monkeypatch):
        from django.db import OperationalError

        def away() -> health.Verdict:
            raise OperationalError("connection to 10.0.0.7 refused")

        monkeypatch.setattr(health, "_newest", lambda: frozenset({("atlas", "9999_later")}))
        monkeypatch.setattr(health, "READY", (away, *health.READY[1:]))
        answer = client.get("/readyz")
        assert answer.json()["wrong"] == ["away", "migrations"]
        assert "10.0.0.7" not in answer.text

    def test_many_who_ask_share_one_look(self, client, django_assert_num_queries):
        client.get("/readyz")
        with django_assert_num_queries(0):
            assert client.get("/readyz").status_code == 200


class TestWorkers:
    def test_the_page_is_whole_and_says_what_its_json_says(self, client, operator, ask_for, alice, checkpoint):
        worker = workers.start(device="cuda:1", versions={"torch": "2.13.0"})
        ask_for(checkpoint, alice, "edges:0", "edges:1")
        [held] = jobs.claim(worker, limit=lambda head: 1, probes=[Job.objects.first().probe])
        workers.report(worker, checkpoint, passed=False, detail="answers differently")
        client.force_login(operator.login)
        page = read(client, "/workers")
        assert faults(page) == []
        said = client.get("/workers.json").json()
        [one] = said["workers"]
        assert (one["device"], one["versions"], one["running"], one["refuses"]) == (
            "cuda:1", {"torch": "2.13.0"}, 1, ["toy"],
        )  # fmt: skip
        assert said["queue"]["states"] == {**dict.fromkeys(Job.State.values, 0), "queued": 1, "running": 1}
        assert said["queue"]["waiting"] == 1
        assert said["queue"]["oldest_seconds"] >= 0
        for fact in (one["name"], "cuda:1", "torch 2.13.0", "toy"):
            assert fact in page.html
        assert held.state == "running"

    def test_it_takes_a_fixed_number_of_queries(self, operator, django_assert_num_queries, ask_for, alice, checkpoint):
        ask_for(checkpoint, alice, "edges:0", "edges:1")
        for device in ("cpu", "cuda:0", "cuda:1"):
            workers.start(device=device, versions={})
        with django_assert_num_queries(5):
            operation.dossiers.operation(operator)


class TestMetrics:
    @pytest.fixture
    def scraped(self, client, settings):
        """The numbers of a scrape, by name and labels."""
        settings.METRICS_TOKEN = TOKEN

        def numbers() -> dict[str, float]:
            cache.delete_many([tallies.place("history"), tallies.place("orphans")])
            answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
            assert answer["Content-Type"].startswith("text/plain; version=")
            lines = answer.content.decode().splitlines()
            return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[:1] != "#"}

        return numbers

    @pytest.mark.parametrize("shown", [None, "Bearer ", "Bearer wrong", f"Basic {TOKEN}", "Bearer \u00e9"])
    def test_only_who_shows_the_token_reads_them(self, client, settings, shown, user):
        settings.METRICS_TOKEN = TOKEN
        client.force_login(user)
        answer = client.get("/metrics", headers={"Authorization": shown} if shown else {})
        assert (answer.status_code, answer.content) == (401, b"")

    def test_they_say_what_the_database_says(self, scraped, ask_for, alice, checkpoint, answer_jobs, artifact_folder):
        ask_for(checkpoint, alice, "edges:0", "edges:1", "edges:2")
        worker = workers.start(device="cpu", versions={})
        orphan = artifact_folder / "ab" / ("ab" * 32)
        orphan.parent.mkdir(parents=True)
        orphan.write_bytes(b"nobody's")
        [lapsed] = jobs.claim(worker, limit=lambda head: 1, probes=[Job.objects.first().probe])
        jobs.reap(dead=[worker])
        before = scraped()
        assert before['atlas_jobs{state="queued"}'] == before["atlas_jobs_waiting"] == 3
        assert before["atlas_oldest_waiting_seconds"] >= 0
        assert before["atlas_lease_expiries_total"] == 1
        assert before["atlas_orphan_artifacts"] == 1
        assert before['atlas_workers{device="cpu"}'] == 1
        answer_jobs()
        answer_jobs()  # what was held by a worker that died is claimed singly
        after = scraped()
        assert after['atlas_jobs{state="done"}'] == after['atlas_job_events_total{kind="finish",to="done"}'] == 3
        assert after['atlas_claim_latency_seconds{quantile="0.95"}'] >= 0
        assert after["atlas_quarantines_total"] == after["atlas_memory_splits_total"] == 0
        assert lapsed.attempts == 1

    def test_what_goes_back_for_lack_of_memory_is_counted(self, scraped, ask_for, alice, checkpoint):
        ask_for(checkpoint, alice, "edges:0")
        worker = workers.start(device="cpu", versions={})
        for _ in range(jobs.MOST_STARTS):
            [held] = jobs.claim(worker, limit=lambda head: 1, probes=[Job.objects.first().probe])
            jobs.release(held, why="out of memory alone")
        numbers = scraped()
        assert numbers["atlas_memory_splits_total"] == jobs.MOST_STARTS - 1
        assert numbers["atlas_quarantines_total"] == 1

    def test_alarms_are_about_what_is_measured_and_explained(self, scraped, client):
        client.get("/nowhere")
        rules = yaml.safe_load((ROOT / "deploy" / "prometheus" / "atlas.rules.yaml").read_text())
        alarms = [rule for group in rules["groups"] for rule in group["rules"]]
        measured = {name.partition("{")[0] for name in scraped()} | {"atlas_workers"}
        named = {name for alarm in alarms for name in re.findall(r"\batlas_\w+", alarm["expr"])}
        assert named <= measured, named - measured
        page = (ROOT / "docs" / "how-to" / "operate.md").read_text()
        assert re.findall(r"^\| `(Atlas\w+)` ", page, flags=re.M) == [alarm["alert"] for alarm in alarms]

    def test_what_a_superseded_worker_says_is_counted(self, scraped):
        assert scraped()["atlas_stale_writes_refused_total"] == 0
        for _ in range(2):
            tallies.count(tallies.STALE)
        assert scraped()["atlas_stale_writes_refused_total"] == 2

    def test_without_redis_they_are_read_all_the_same(self, scraped, settings, free_port):
        redis = {"BACKEND": "django.core.cache.backends.redis.RedisCache"}
        settings.CACHES = {"default": {**redis, "LOCATION": f"redis://127.0.0.1:{free_port}/0"}}
        tallies.count(tallies.STALE)
        answered = measures.text().decode()
        assert "atlas_stale_writes_refused_total 0.0" in answered
        assert "atlas_orphan_artifacts 0.0" in answered

    def test_requests_are_told_apart_by_what_the_service_named_itself(self, client, scraped, checkpoint):
        pages = ("/", "/c/toy", "/c/toy/edges/1", "/c.json", "/nowhere/at/all", "/accounts/login")
        for path in (*pages, "/api/v1/checkpoints/toy"):
            client.get(path)
        kinds = set(re.findall(r'atlas_http_request_seconds_count\{kind="([^"]*)"', measures.text().decode()))
        assert {"home", "c", "api/checkpoints", "none", "accounts"} <= kinds
        assert not {"toy", "nowhere"} & kinds
        assert scraped()['atlas_http_request_seconds_count{kind="none",method="GET",status="4xx"}'] >= 1


class TestLines:
    @staticmethod
    def line(message: str, *args: object, **more: object) -> dict:
        """The entry of one call."""
        record = logging.LogRecord("atlas.x", logging.WARNING, "", 1, message, args, more.pop("exc_info", None))
        record.__dict__.update(more)
        return json.loads(Structured().format(record))

    def test_an_entry_names_the_request_and_the_job(self):
        with acting(lambda: None) as request:
            entry = self.line("%s", LeaseLost(fingerprint="f" * 64))
        assert (entry["level"], entry["logger"], entry["request"]) == ("WARNING", "atlas.x", str(request))
        assert entry["job"] == "f" * 64
        assert entry["time"].endswith("+00:00")

    def test_a_traceback_stays_on_its_line(self):
        try:
            raise LeaseLost(fingerprint="e" * 64)
        except LeaseLost as error:
            entry = self.line("no", exc_info=(type(error), error, error.__traceback__))
        assert "Traceback" in entry["traceback"]
        assert entry["job"] == "e" * 64

    def test_what_opens_something_is_not_written_down(self):
        secret = f"fh_{'a' * 8}_{'b' * 32}"
        entry = self.line("sent %s", secret, path=f"/x/{secret}")
        assert "b" * 32 not in json.dumps(entry)
        assert entry["path"] == "/x/fh_aaaaaaaa_…"

    def test_every_request_has_its_line_but_not_the_keys_in_its_address(self, client, caplog):
        with caplog.at_level(logging.INFO, logger="atlas.requests"):
            client.get("/accounts/password/reset/1-abcdef-0123456789?next=secret")
            client.get("/problems?token=secret")
        said = [record for record in caplog.records if record.name == "atlas.requests"]
        assert [(it.path, it.route, it.method) for it in said] == [
            ("/accounts/…", "accounts", "GET"), ("/problems", "problems", "GET"),
        ]  # fmt: skip
        assert "secret" not in caplog.text.replace("atlas.requests", "")
