"""Nothing is lost and nobody is left behind: the supervisor against real processes that die, hang and fork."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from atlas import supervisor

ROOT = Path(__file__).parents[2]

# A child like Celery or granian: it forks a child of its own, and both leave their process ids in a folder.
FAMILY = """
import os, pathlib, signal, sys, time
here = pathlib.Path(sys.argv[1])
if "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
role = "parent" if os.fork() else "forked"
(here / f"{os.getpid()}.{role}").touch()
while True:
    time.sleep(0.05)
"""

SUPERVISE = """
import sys
from atlas import supervisor
supervisor.GRACE, supervisor.ORPHANED, supervisor.PAUSES = 1.0, 1.0, (0.1,)
children = [supervisor.Child("child", [sys.executable, "-c", *sys.argv[2:]])]
url = sys.argv[1] or None
sys.exit(supervisor.supervise(children, url=url, ready=lambda url: supervisor.emit("serve", f"open at {url}")))
"""


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie that nobody has collected yet does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except FileNotFoundError:  # gone in between, or a system without /proc
        return not Path("/proc").exists()


def wait_until(fact: Callable[[], object], *, seconds: float = 15) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, f"not within {seconds} seconds"
        time.sleep(0.02)


class Family:
    """A supervisor over one forking child, both seen through the process ids they leave."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.folder = folder
        self.serve = start("", FAMILY, str(folder), *words)

    def members(self, role: str) -> list[int]:
        """Process ids of one role, oldest first."""
        found = sorted(self.folder.glob(f"*.{role}"), key=lambda path: path.stat().st_mtime_ns)
        return [int(path.stem) for path in found]

    def running(self) -> list[int]:
        """All of them that still run."""
        return [int(path.stem) for path in self.folder.iterdir() if alive(int(path.stem))]


def start(url: str, *child: str) -> "subprocess.Popen[str]":
    """A supervisor in a process of its own."""
    command = [sys.executable, "-c", SUPERVISE, url, *child]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Callable[..., Family]]:
    families: list[Family] = []

    def begin(*words: str) -> Family:
        families.append(Family(tmp_path, *words))
        wait_until(lambda: len(families[-1].running()) == 2)
        return families[-1]

    yield begin
    for one in families:
        one.serve.kill()
        one.serve.communicate()
        wait_until(lambda: not families[-1].running())


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("role", ["parent", "forked"])
def test_a_killed_child_is_started_again_and_leaves_nobody(family, role):
    """Only the parent is watched; a lost fork is its parent's business, as in Celery."""
    one = family()
    os.kill(one.members(role)[0], signal.SIGKILL)
    if role == "parent":
        wait_until(lambda: len(one.members("parent")) == 2)
        wait_until(lambda: len(one.running()) == 2)
    else:
        wait_until(lambda: one.running() == one.members("parent"))


def test_a_killed_tether_takes_its_family_along(family):
    one = family()
    tether = os.getpgid(one.members("parent")[0])
    os.kill(tether, signal.SIGKILL)
    wait_until(lambda: len(one.members("parent")) == 2)
    assert not alive(one.members("parent")[0])
    wait_until(lambda: len(one.running()) == 2)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything(family, number):
    one = family()
    one.serve.send_signal(number)
    assert one.serve.wait(timeout=5) == 0
    assert not one.running()


def test_whoever_does_not_stop_is_killed_after_the_grace_period(family):
    one = family("stubborn")
    one.serve.send_signal(signal.SIGINT)
    assert one.serve.wait(timeout=5) == 0
    assert not one.running()


@pytest.mark.parametrize("words", [(), ("stubborn",)])
def test_kill_9_of_serve_leaves_no_orphan(family, words):
    one = family(*words)
    one.serve.kill()
    wait_until(lambda: not one.running(), seconds=5)


def test_kill_9_of_serve_and_its_child_at_once_leaves_no_orphan(family):
    one = family()
    for pid in (one.serve.pid, one.members("parent")[0]):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not one.running(), seconds=5)


def test_output_nobody_reads_does_not_hold_up_the_child(tmp_path):
    """The terminal is gone, the child writes far more than a pipe holds, and still gets to its end."""
    done = tmp_path / "done"
    chatter = "import pathlib, sys, time; print('x' * 1_000_000); pathlib.Path(sys.argv[1]).touch(); time.sleep(60)"
    serve = start("", chatter, str(done))
    serve.stdout.close()
    wait_until(done.exists)
    serve.terminate()
    assert serve.wait(timeout=5) == 0


def test_lines_are_marked_with_whose_they_are(tmp_path):
    serve = start("", "print('hello'); raise SystemExit(3)")
    lines = [serve.stdout.readline().strip() for _ in range(3)]
    serve.terminate()
    serve.communicate()
    assert lines[:2] == ["child | hello", "child | ended with status 3"]
    assert lines[2].startswith("child | died after 0 s; starting it again in 0.1 s")


def test_a_web_server_that_never_starts_is_given_up(free_port):
    serve = start(f"http://127.0.0.1:{free_port}", "raise SystemExit('no such module')")
    output, _ = serve.communicate(timeout=20)
    assert serve.returncode == 1
    assert "serve | the web server does not start; the lines above say why" in output


def test_the_address_is_announced_once_the_server_is_healthy(free_port):
    server = (
        "import http.server as h\n"
        "class Healthy(h.BaseHTTPRequestHandler):\n"
        "    def do_GET(self): self.send_response(200 if self.path == '/healthz' else 404); self.end_headers()\n"
        "h.HTTPServer(('127.0.0.1', PORT), Healthy).serve_forever()"
    )
    serve = start(f"http://127.0.0.1:{free_port}", server.replace("PORT", str(free_port)))
    line = next(line for line in serve.stdout if "serve |" in line)
    serve.terminate()
    output, _ = serve.communicate(timeout=5)
    assert line.strip() == f"serve | open at http://127.0.0.1:{free_port}"
    assert "open at" not in output


def test_a_taken_port_is_refused_with_the_remedy(taken):
    with pytest.raises(supervisor.CannotServe, match=rf"^Port {taken} is taken; .* PORT={taken + 1} with make, "):
        supervisor.run(host="127.0.0.1", port=taken)


def test_a_port_left_a_moment_ago_is_free():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        caller = socket.create_connection(("127.0.0.1", port))
        listener.accept()[0].close()  # the side that closes first is the one left in TIME_WAIT
        caller.close()
    supervisor.require_free(host="127.0.0.1", port=port)


@pytest.mark.parametrize(("host", "port"), [("256.0.0.1", 8000), ("127.0.0.1", 70000), ("192.0.2.1", 8000)])
def test_an_address_that_is_not_ours_is_refused(host, port):
    with pytest.raises(supervisor.CannotServe, match=r"try --host 127\.0\.0\.1 --port 8000"):
        supervisor.require_free(host=host, port=port)


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:80"), ("0.0.0.0", "http://127.0.0.1:80"), ("::", "http://[::1]:80")],
)
def test_the_announced_address_can_be_opened(host, url):
    assert supervisor.address(host, 80) == url


def descendants(pid: int) -> set[int]:
    """A process's children, and theirs."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found: set[int] = set()
    while more := {child for child, parent in parents.items() if parent in found | {pid}} - found:
        found |= more
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="process trees are read from /proc")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, 0), (signal.SIGKILL, -9)])
def test_serve_takes_web_and_worker_along(tmp_path, free_port, number, status):
    """The real thing: granian with its forked worker, Celery with its pool child, both behind their tethers."""
    command = [sys.executable, "manage.py", "serve", "--port", str(free_port)]
    environment = {**os.environ, "ATLAS_HOME": str(tmp_path), "ATLAS_DATABASE_URL": "", "PYTHONUNBUFFERED": "1"}
    environment["DJANGO_SETTINGS_MODULE"] = "atlas.settings"
    log = tmp_path / "log"
    with log.open("w") as output:
        serve = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        wait_until(lambda: "the atlas is open at" in log.read_text() or serve.poll() is not None, seconds=60)
        assert serve.poll() is None, log.read_text()
        assert supervisor.answers(f"http://127.0.0.1:{free_port}")
        # Two tethers, granian and its worker, Celery and its pool child.
        wait_until(lambda: len(descendants(serve.pid)) >= 6, seconds=60)
        family = descendants(serve.pid)
    finally:
        serve.send_signal(number)
    assert serve.wait(timeout=15) == status, log.read_text()
    wait_until(lambda: not any(map(alive, family)), seconds=5)
    supervisor.require_free(host="127.0.0.1", port=free_port)


def test_serve_refuses_a_taken_port_in_one_sentence(taken, tmp_path):
    command = [sys.executable, "manage.py", "serve", "--port", str(taken)]
    environment = {**os.environ, "ATLAS_HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "atlas.settings"}
    refused = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"CommandError: Port {taken} is taken; stop the program that listens there, or ")
    assert refused.stderr.count("\n") == 1
