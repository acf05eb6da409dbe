"""Real servers for the tests: a temporary PostgreSQL under the whole run, a Redis for whoever asks, a home for both.

Loaded with `-p tests.servers`, because pytest-django reads the settings before any conftest.py: by then
`ATLAS_TEST_DATABASE=postgres` must have become an `ATLAS_DATABASE_URL`.
"""

import contextlib
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from atlas import tether

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
# Durability is not what these tests are about; a crash of this server costs nothing.
QUICK = ["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off"]
running = contextlib.ExitStack()


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Generator[None, None, None]:
    """Start PostgreSQL before pytest-django reads the settings; workers of xdist inherit what is set here."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        os.environ["ATLAS_HOME"] = str(running.enter_context(folder()))
        if os.environ.get("ATLAS_TEST_DATABASE", "sqlite") == "postgres":
            os.environ |= running.enter_context(postgres())
    return (yield)


def pytest_unconfigure() -> None:
    """Stop what was started."""
    running.close()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The address of a Redis of our own; skips where none is installed, fails where one must be."""
    binary = shutil.which("redis-server") or shutil.which("valkey-server")
    if binary is None:
        missing = pytest.fail if os.environ.get("ATLAS_CI") else pytest.skip
        missing("redis-server is not installed; on Debian: sudo apt-get install redis-server")
    with redis(binary) as url:
        yield url


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    """The address of an S3 server of our own, as ATLAS_ARTIFACTS_URL has it but for the bucket."""
    if os.environ.get("ATLAS_TEST_DATABASE", "sqlite") != "postgres":
        pytest.skip("keeps artifacts in a bucket: make test-servers has a server for it")
    binary = Path(sys.executable).with_name("moto_server")
    if not binary.exists():
        missing = pytest.fail if os.environ.get("ATLAS_CI") else pytest.skip
        missing("moto_server is not installed; run: make test-servers")
    port = free_port()
    with tethered([sys.executable, str(binary), "--host", "127.0.0.1", "--port", str(port)]):
        wait_for(lambda: socket.create_connection(("127.0.0.1", port), timeout=1).close(), what="S3")
        yield f"s3+http://key:secret@127.0.0.1:{port}"


@contextlib.contextmanager
def redis(binary: str) -> Iterator[str]:
    """A Redis on loopback that keeps nothing."""
    port = free_port()
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    with folder() as where, tethered([binary, *options, "--dir", str(where)]):
        wait_for(lambda: socket.create_connection(("127.0.0.1", port), timeout=1).close(), what="Redis")
        yield f"redis://127.0.0.1:{port}/0"


@contextlib.contextmanager
def postgres() -> Iterator[dict[str, str]]:
    """A PostgreSQL on loopback, and the environment that points the settings at it.

    The owner makes the test databases and migrates; `atlas_app` is the role that serves, with what `migrate` grants.
    """
    if not BINARIES:
        pytest.exit("PostgreSQL is not installed; on Debian: sudo apt-get install postgresql", returncode=1)
    port, password = free_port(), secrets.token_urlsafe(16)
    with folder() as where:
        initialise(where, password)
        server = [str(BINARIES[-1] / "postgres"), "-D", str(where / "data"), "-p", str(port), *QUICK]
        server += ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        with tethered(as_nobody(server)):
            create_roles(port, password)
            yield {
                "ATLAS_DATABASE_URL": f"postgres://atlas_owner:{password}@127.0.0.1:{port}/atlas",
                "ATLAS_SERVING_ROLE": "atlas_app",
                "ATLAS_TEST_SERVING_PASSWORD": password,
            }


def initialise(where: Path, password: str) -> None:
    """Make an empty cluster that asks even its neighbours on this machine for a password."""
    secret = where / "password"
    secret.write_text(password)
    if os.geteuid() == 0:
        for path in (where, secret):
            shutil.chown(path, nobody())
    options = ["--username=postgres", f"--pwfile={secret}", "--auth=scram-sha-256", "--encoding=UTF8", "--no-sync"]
    command = [str(BINARIES[-1] / "initdb"), "-D", str(where / "data"), "--locale=C.UTF-8", *options]
    subprocess.run(as_nobody(command), check=True, stdout=subprocess.DEVNULL, cwd=where)


def create_roles(port: int, password: str) -> None:
    """One role owns and migrates, the other serves."""

    def connect() -> "psycopg2.extensions.connection":
        return psycopg2.connect(host="127.0.0.1", port=port, user="postgres", password=password, dbname="postgres")

    connection = wait_for(connect, what="PostgreSQL")
    connection.autocommit = True
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute("CREATE ROLE atlas_owner LOGIN CREATEDB PASSWORD %s", [password])
        cursor.execute("GRANT pg_signal_backend TO atlas_owner")  # DROP … WITH (FORCE) may meet autovacuum at work
        cursor.execute("CREATE ROLE atlas_app LOGIN PASSWORD %s", [password])
        cursor.execute("CREATE DATABASE atlas OWNER atlas_owner")


@contextlib.contextmanager
def tethered(command: list[str]) -> Iterator[None]:
    """Run a server that ends with this block, and also when this process is killed."""
    wrapper = [sys.executable, "-I", "-S", tether.__file__, "5"]
    log = tempfile.TemporaryFile()  # noqa: SIM115 - belongs to the server, which outlives this statement
    server = subprocess.Popen(
        wrapper + command, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        yield
    finally:
        server.stdin.close()  # the tether stops the server when nobody holds this end
        server.wait(timeout=15)
        log.close()


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A temporary folder that another user may enter."""
    with tempfile.TemporaryDirectory(prefix="atlas-test-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def as_nobody(command: list[str]) -> list[str]:
    """The command under a user without rights: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return command
    who = pwd.getpwnam(nobody())
    return ["setpriv", f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}", "--clear-groups", *command]


def nobody() -> str:
    """The user PostgreSQL runs as when we are root."""
    return "postgres" if any(entry.pw_name == "postgres" for entry in pwd.getpwall()) else "nobody"


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_for(attempt: Callable[[], Any], *, what: str, seconds: float = 20) -> Any:
    """The first answer of a server that is starting."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return attempt()
        except (OSError, psycopg2.OperationalError) as problem:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} does not answer after {seconds} seconds: {problem}") from problem
            time.sleep(0.05)
