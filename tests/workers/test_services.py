"""Each service of compose.yaml as a local process, on a real PostgreSQL and a real Redis, from what its image holds."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest
import yaml
from django.conf import settings
from django.db import connection

from atlas import doorbell, supervisor
from atlas.models import Finding, Worker
from atlas.services import workers

pytestmark = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="runs the services of compose.yaml: make test-servers has their servers"
)
ROOT = settings.BASE_DIR
FILE = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"]
TOLD = {
    "ATLAS_HOST": "atlas.example.org",
    "ATLAS_SECRET_KEY": "a secret of the services that is long enough to be taken for one",
    "ATLAS_METRICS_TOKEN": "for the scraper",
}
NOT_THERE = ("torch", "torchvision", "numpy", "numba", "safetensors")  # in the image that serves


def image(dockerfile: Path, into: Path) -> dict[str, str]:
    """Lay out the files that the image's last stage copies, in `into`; the variables that it sets."""
    stage = dockerfile.read_text().rpartition("\nFROM ")[2].replace("\\\n", " ")
    for sources in re.findall(r"^COPY (?!--from)(.*)$", stage, flags=re.M):
        *named, target = sources.split()
        place = into / Path(target).relative_to("/srv/atlas")
        for source in named:
            whole = (ROOT / source).is_dir()
            to = place if whole else place / Path(source).name
            to.parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if whole else shutil.copy
            copy(ROOT / source, to, **({"ignore": shutil.ignore_patterns("__pycache__")} if whole else {}))
    said = " ".join(re.findall(r"^ENV (.*)$", stage, flags=re.M))
    return dict(word.split("=", 1) for word in shlex.split(said) if word.startswith("ATLAS_"))


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> dict[str, tuple[Path, dict[str, str]]]:
    """The folder and the variables of both images."""
    found = {}
    for name in ("web", "worker"):
        folder = tmp_path_factory.mktemp(name) / "atlas"
        found[name] = folder, image(ROOT / "deploy" / f"{name}.Dockerfile", folder)
    for module in NOT_THERE:
        (found["web"][0] / f"{module}.py").write_text("raise ImportError('the image that serves has none of this')\n")
    return found


@pytest.fixture
def start(fresh_database, redis_url, images, artifact_folder, tmp_path, free_port, monkeypatch):
    """Starts a service by its name in compose.yaml, with what it is told there; what it says goes to a file."""
    monkeypatch.setattr(settings, "BROKER", redis_url)
    doorbell._sender.cache_clear()
    at = urlsplit(fresh_database["ATLAS_DATABASE_URL"])
    passwords = dict.fromkeys(("ATLAS_OWNER_PASSWORD", "ATLAS_SERVING_PASSWORD", "ATLAS_REDIS_PASSWORD"), at.password)
    told = TOLD | passwords

    def value(said: str) -> str:
        filled = re.sub(r"\$\{(\w+)(?::-([^}]*)|:\?)\}", lambda found: told.get(found[1], found[2] or ""), said)
        ours = {"@postgres:5432/atlas": f"@{at.hostname}:{at.port}{at.path}", "/data": str(tmp_path)}
        for theirs, here in ours.items():
            filled = filled.replace(theirs, here)
        return redis_url if filled.startswith("redis://") else filled

    @contextmanager
    def started(name: str) -> Iterator[subprocess.Popen]:
        service = FILE[name]
        folder, variables = images["worker" if name.startswith("worker") else "web"]
        environment = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", "DJANGO_SETTINGS_MODULE": "atlas.settings"}
        environment |= {key: value(said) for key, said in {**variables, **service["environment"]}.items()}
        interpreter, *words = service["command"]
        assert interpreter == "python"
        words = [str(free_port) if word == "8000" else word for word in words]
        with (tmp_path / f"{name}.log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, *words], cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(timeout=20)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()

    return started


def eventually(holds: Callable[[], object], log: Path, *, seconds: float = 90) -> None:
    """Wait until it holds; fail with what the service said when it never does."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.1)


def asked(url: str, **headers: str) -> bytes:
    """What an address answers."""
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
        return answer.read()


def test_what_is_asked_of_the_services_is_answered(start, organism_on, wish, units, tmp_path, free_port):
    """migrate ends well; web is ready without torch; a worker answers, rung through Redis, in the serving role."""
    with start("migrate") as migrate:
        assert migrate.wait(timeout=60) == 0, (tmp_path / "migrate.log").read_text()
    url = f"http://127.0.0.1:{free_port}"
    with start("web") as web, start("worker-cpu") as worker:
        eventually(lambda: supervisor.answers(url) or web.poll() is not None, tmp_path / "web.log")
        assert web.poll() is None, (tmp_path / "web.log").read_text()
        assert json.loads(asked(f"{url}/readyz")) == {"ready": True, "wrong": []}
        checkpoint = organism_on()
        jobs = wish(checkpoint, *units(checkpoint)[:2])
        eventually(lambda: Finding.objects.count() == len(jobs), tmp_path / "worker-cpu.log")
        measured = asked(f"{url}/metrics", Authorization=f"Bearer {TOLD['ATLAS_METRICS_TOKEN']}").decode()
        assert 'atlas_jobs{state="done"} 2.0' in measured
        assert 'atlas_workers{device="cpu"} 1.0' in measured
        with connection.cursor() as cursor:
            cursor.execute("SELECT DISTINCT usename FROM pg_stat_activity WHERE datname = current_database()")
            assert {name for (name,) in cursor.fetchall()} >= {"atlas_app"}
        worker.terminate()
        assert worker.wait(timeout=20) == 0
    assert Worker.objects.get().stopped_at, "a worker that is asked to stop says goodbye"
    assert not workers.alive().exists()
    for name in ("web", "worker-cpu"):
        said = (tmp_path / f"{name}.log").read_text()
        entries = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        assert {"time", "level", "logger", "message"} <= entries[0].keys()
        secrets = (TOLD["ATLAS_SECRET_KEY"], os.environ["ATLAS_TEST_SERVING_PASSWORD"])
        assert not any(secret in said for secret in secrets)


def test_the_roles_that_the_script_makes_are_kept_apart():
    """The script of deploy/postgres on a real server: twice, for it may be run by hand."""
    at, password = connection.settings_dict, os.environ["ATLAS_TEST_SERVING_PASSWORD"]
    known = {"PGHOST": at["HOST"], "PGPORT": at["PORT"], "PGUSER": "postgres", "PGPASSWORD": password}
    told = {"ATLAS_OWNER_PASSWORD": password, "ATLAS_SERVING_PASSWORD": password, "ATLAS_DATABASE": "by_the_script"}
    script = [str(ROOT / "deploy" / "postgres" / "roles.sh")]
    for _ in range(2):
        subprocess.run(script, env={**os.environ, **known, **told}, check=True)
    where = {"host": at["HOST"], "port": at["PORT"], "password": password}
    try:
        for user, may in (("atlas_app", False), ("atlas_owner", True)):
            refusal = nullcontext() if may else pytest.raises(psycopg2.errors.InsufficientPrivilege)
            with closing(psycopg2.connect(user=user, dbname="by_the_script", **where)) as its, refusal:
                its.cursor().execute("CREATE TABLE atlas (id int)")
    finally:
        with closing(psycopg2.connect(user="postgres", dbname="postgres", **where)) as superuser:
            superuser.autocommit = True
            with superuser.cursor() as cursor:
                cursor.execute("DROP DATABASE by_the_script WITH (FORCE)")
