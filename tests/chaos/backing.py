"""The servers under a campaign, PostgreSQL and Redis: its own, to be killed and started again on what they kept."""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg2
import redis

from atlas import tether
from tests import servers

PATIENCE = 30  # seconds for a server to start: after a crash PostgreSQL first reads what it had written ahead


class Server:
    """A server that ends with the campaign, however that dies, and can be killed before."""

    def __init__(self, command: list[str], *, ready: Callable[[], Any], pid: Callable[[], int]) -> None:
        self.command, self.ready, self.pid = command, ready, pid
        self.start()

    def start(self) -> None:
        """Start it, again while those whom it left behind die, and wait until it answers."""
        until = time.monotonic() + PATIENCE
        self.process = self._tethered()
        while True:
            with contextlib.suppress(OSError, psycopg2.Error, redis.RedisError):
                self.ready()
                return
            if time.monotonic() > until:
                raise TimeoutError(f"{self.command[0]} does not answer")
            time.sleep(0.1)
            if self.process.poll() is not None:
                self.process = self._tethered()

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End it without a word, or as rudely as the signal is."""
        os.kill(self.pid(), number)
        self.process.wait()

    def stop(self) -> None:
        """End it for good."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()

    def _tethered(self) -> "subprocess.Popen[bytes]":
        wrapper = [sys.executable, "-I", "-S", tether.__file__, "5"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(wrapper + self.command, stdin=subprocess.PIPE, start_new_session=True, **quiet)  # type: ignore[call-overload]


@contextlib.contextmanager
def postgres() -> Iterator[tuple[Server, dict[str, str]]]:
    """A PostgreSQL that keeps what it has committed, and the environment that points the settings at it."""
    port, password = servers.free_port(), secrets.token_urlsafe(16)

    def connect() -> None:
        psycopg2.connect(host="127.0.0.1", port=port, user="postgres", password=password, dbname="postgres").close()

    with servers.folder() as where:
        servers.initialise(where, password)
        command = [str(servers.BINARIES[-1] / "postgres"), "-D", str(where / "data"), "-p", str(port)]
        # What a process that is killed had committed the kernel has: only a power cut would need more.
        command += ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"]
        lock = where / "data" / "postmaster.pid"
        server = Server(
            servers.as_nobody(command), ready=connect, pid=lambda: int(lock.read_text().splitlines()[0])
        )  # fmt: skip
        try:
            servers.create_roles(port, password)
            # The owner serves: what is tested here is the protocol.
            yield server, {"ATLAS_DATABASE_URL": f"postgres://atlas_owner:{password}@127.0.0.1:{port}/atlas"}
        finally:
            server.stop()


@contextlib.contextmanager
def bell() -> Iterator[tuple[Server | None, str]]:
    """A Redis that keeps nothing, and its address; none, and the in-process transport, where none is installed."""
    binary = shutil.which("redis-server") or shutil.which("valkey-server")
    if binary is None:
        yield None, "memory://"
        return
    port = servers.free_port()
    with servers.folder() as where:
        options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no", "--dir", str(where)]
        client = redis.Redis(port=port)
        server = Server([binary, *options], ready=client.ping, pid=lambda: int(client.info()["process_id"]))
        try:
            yield server, f"redis://127.0.0.1:{port}/0"
        finally:
            server.stop()


def rings(broker: str) -> "redis.Redis":
    """A client that sees the bell's messages from outside: they lie in the list `celery`."""
    return redis.Redis.from_url(broker, socket_timeout=2)


def kept(home: Path) -> Path:
    """Where the campaign's artifacts lie."""
    return home / "artifacts"
