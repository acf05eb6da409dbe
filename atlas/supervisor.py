"""Keeps the web server and the worker running under one process, and takes both along when it goes.

Nothing here knows Django: the two children are command lines, and `run` is what `serve` and `demo` call.
"""

import contextlib
import errno
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO, ClassVar

from atlas import tether

ROOT = Path(__file__).resolve().parent.parent  # where manage.py, atlas and workers lie

TICK = 0.1  # seconds between two looks at the children
GRACE = 10.0  # seconds a child has to stop after being asked
ORPHANED = 3.0  # seconds it has when the supervisor was killed: the rows of its jobs bring them back
STEADY = 30.0  # seconds after which a child counts as running, and its next death as its first
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)  # seconds before a restart, by deaths in a row
HOPELESS = 4  # deaths in a row after which a web server that never answered is given up
# Requests answered at once, each by a thread that serves a page or an event stream and keeps a connection to the
# database: two processes leave some of the 100 that PostgreSQL takes by default.
THREADS = 40


class CannotServe(Exception):
    """One sentence: why the address cannot be served, and what to do."""


@dataclass
class Child:
    """One supervised command: started through a tether, read line by line, started again when it dies."""

    name: str
    command: list[str]
    process: "subprocess.Popen[str] | None" = None
    reader: threading.Thread | None = None
    deaths: int = 0
    started: float = 0.0
    due: float = field(default_factory=time.monotonic)

    def tend(self) -> None:
        """Start it when it is due, and notice when it has died."""
        if self.process is None:
            if time.monotonic() >= self.due:
                self.start()
        elif self.process.poll() is not None:
            self.bury()

    def start(self) -> None:
        """Start the command in a session of its own, so that Ctrl-C reaches only the supervisor."""
        # -I and -S: the tether needs nothing but the standard library, and starts in 20 ms without the rest.
        wrapper = [sys.executable, "-I", "-S", tether.__file__, str(ORPHANED)]
        self.process = subprocess.Popen(
            wrapper + self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            env=environment(),
        )
        self.started = time.monotonic()
        self.reader = threading.Thread(target=relay, args=(self.name, self.process.stdout), daemon=True)
        self.reader.start()

    def bury(self) -> None:
        """Leave nothing of a dead child behind, and set the time of its next start."""
        self.kill()
        lasted = time.monotonic() - self.started
        self.deaths = 1 if lasted > STEADY else self.deaths + 1
        pause = PAUSES[min(self.deaths, len(PAUSES)) - 1]
        self.due = time.monotonic() + pause
        emit(self.name, f"died after {lasted:.0f} s; starting it again in {pause:g} s")

    def terminate(self) -> None:
        """Ask it to stop."""
        if self.process is not None:
            self.process.terminate()

    def kill(self) -> None:
        """Take whatever is left of its group, which outlives the tether only when that was killed."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.reader:
            self.reader.join(timeout=1)  # its last words explain its death
        if self.process.stdin:
            self.process.stdin.close()
        self.process = None


@dataclass
class Wish:
    """What the signals asked for; a plain value, because a handler may not take a lock."""

    stop: bool = False
    hurry: bool = False
    SIGNALS: ClassVar[tuple[signal.Signals, ...]] = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def heard(self, _number: int, _frame: FrameType | None) -> None:
        """The first signal stops, the second does not wait."""
        self.hurry = self.stop
        self.stop = True

    @contextlib.contextmanager
    def listening(self) -> Iterator["Wish"]:
        """Listen to Ctrl-C, SIGTERM and a closed terminal, and give the signals back afterwards."""
        before = {number: signal.signal(number, self.heard) for number in self.SIGNALS}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def run(
    *, host: str, port: int, web: bool = True, worker: bool = True, ready: Callable[[str], None] = lambda url: None
) -> int:
    """Serve until a signal comes; 0, or 1 when the web server cannot be started.

    `ready` is called once, with the address, when the web server answers. Raises CannotServe when the port is taken.
    """
    children = [Child("worker", worker_command())] if worker else []
    if web:
        require_free(host=host, port=port)
        children.insert(0, Child("web", web_command(host=host, port=port)))
    return supervise(children, url=address(host, port) if web else None, ready=ready)


def supervise(children: list[Child], *, url: str | None, ready: Callable[[str], None]) -> int:
    """Tend the children until a signal comes, then stop them; 1 when the one behind `url` is hopeless."""
    with Wish().listening() as wish:
        try:
            while not wish.stop:
                for child in children:
                    child.tend()
                if url and answers(url):
                    ready(url)
                    url = None
                if url and children[0].deaths >= HOPELESS:
                    emit("serve", "the web server does not start; the lines above say why")
                    return 1
                time.sleep(TICK)
        finally:
            stop(children, wish)
    return 0


def stop(children: list[Child], wish: Wish) -> None:
    """Ask every child to stop, wait up to GRACE seconds or for a second signal, then take what is left."""
    for child in children:
        child.terminate()
    deadline = time.monotonic() + GRACE
    while any(child.process and child.process.poll() is None for child in children):
        if wish.hurry or time.monotonic() > deadline:
            break
        time.sleep(TICK)
    for child in children:
        child.kill()


def web_command(*, host: str, port: int) -> list[str]:
    """Granian with one process of many threads: pages wait for the database, not for the processor."""
    # Its backpressure stays at the default of 1024: it counts idle connections too, and a browser keeps six.
    threads = ["--workers", "1", "--blocking-threads", str(THREADS)]
    quiet = ["--log-level", "error", "--no-ws", "--workers-kill-timeout", "5"]
    where = ["--host", host, "--port", str(port)]
    return [sys.executable, "-m", "granian", "--interface", "wsgi", *threads, *quiet, *where, "atlas.wsgi:application"]


def worker_command() -> list[str]:
    """Celery with one forked child, the only process that imports torch; named here, never imported."""
    # Celery warns root because of pickle; ours accepts JSON only.
    calm = ["-W", "ignore:You're running the worker with superuser"]
    options = ["--pool", "prefork", "--concurrency", "1", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
    return [sys.executable, *calm, "-m", "celery", "-q", "-A", "workers.celery", "worker", *options]


def require_free(*, host: str, port: int) -> None:
    """Raise CannotServe unless a server can listen on this address now."""
    try:
        if not 0 < port < 65536:
            raise OverflowError("ports end at 65535")
        family, kind, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as trial:
            # As servers do: connections that linger after a stop do not count, a listener does.
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(where)
            trial.listen()
    except (OSError, OverflowError) as problem:
        raise CannotServe(refusal(problem, host=host, port=port)) from problem


def refusal(problem: Exception, *, host: str, port: int) -> str:
    """One sentence with the remedy."""
    another = port + 1 if 1024 <= port < 65535 else 8001
    choose = f"choose another: PORT={another} with make, --port {another} with manage.py"
    if isinstance(problem, PermissionError):
        return f"Port {port} is reserved for the system; {choose}."
    if isinstance(problem, OSError) and problem.errno == errno.EADDRINUSE:
        return f"Port {port} is taken; stop the program that listens there, or {choose}."
    return f"{host}:{port} cannot be served ({problem}); try --host 127.0.0.1 --port 8000."


def address(host: str, port: int) -> str:
    """The address a person on this machine opens."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - read, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def answers(url: str) -> bool:
    """Whether the web server behind `url` says that it is healthy."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def environment() -> dict[str, str]:
    """Ours, with the packages of this checkout importable from whatever folder we were started in."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}


def relay(name: str, lines: IO[str]) -> None:
    """Pass a child's lines on until it ends; reading never stops, or the child would block on a full pipe."""
    with lines:
        for line in lines:
            if line.strip():
                emit(name, line.rstrip())


def emit(name: str, line: str) -> None:
    """One line on our output, marked with whose it is; nobody may be reading any more."""
    # Not through sys.stdout: a thread that holds its lock while the interpreter ends aborts the process.
    with contextlib.suppress(OSError):
        os.write(1, f"{name:>6} | {line}\n".encode())
