"""What is no HTTP, or too much of it, at the very server that serves: refused, and the next one is answered."""

import os
import socket
import subprocess
import sys

import pytest

from atlas import supervisor
from tests import servers

HOST = b"Host: 127.0.0.1\r\n"
GET, POST = b"GET /healthz HTTP/1.1\r\n", b"POST /api/v1/jobs HTTP/1.1\r\nContent-Type: application/json\r\n"
HOSTILE = {
    "H01 no host": (GET + b"\r\n", (400,)),
    "H01 two hosts": (GET + HOST + b"Host: evil.example\r\n\r\n", (400,)),
    "H01 foreign": (GET + b"Host: evil.example\r\n\r\n", (400,)),
    "H04": (b"FOO /api/v1/jobs HTTP/1.1\r\n" + HOST + b"\r\n", (405,)),
    "H04 at a page": (b"FOO /healthz HTTP/1.1\r\n" + HOST + b"\r\n", (403,)),  # first it is to be of our own page
    "H04 TRACE": (b"TRACE /api/v1/jobs HTTP/1.1\r\n" + HOST + b"\r\n", (405,)),
    "H07 bad size": (POST + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", (400, 401)),
    "H07 both lengths": (POST + HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", (400, 401)),
    "H07 negative length": (POST + HOST + b"Content-Length: -1\r\n\r\n", (400,)),
    "H07 two lengths": (POST + HOST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", (400,)),
    "H07 tiny chunks": (
        POST + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 20_000 + b"0\r\n\r\n",
        (400, 401, 413),
    ),
    "H08 many": (GET + HOST + b"".join(b"X-%d: %s\r\n" % (i, b"x" * 1_000) for i in range(200)) + b"\r\n", (431, 400)),
    "H08 one": (GET + HOST + b"X: " + b"x" * 1_000_000 + b"\r\n\r\n", (431, 400)),
    "long address": (b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", (414, 400, 404)),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", (400,)),
    "two slashes": (b"GET //evil.example/c/ HTTP/1.1\r\n" + HOST + b"\r\n", (404,)),
    "another's address": (b"GET http://evil.example/healthz HTTP/1.1\r\n" + HOST + b"\r\n", (400, 200)),
}


@pytest.fixture(scope="module")
def port():
    """A service as `serve` starts it, with a database of its own."""
    with servers.folder() as home:
        found = servers.free_port()
        before, os.environ["ATLAS_HOME"] = os.environ["ATLAS_HOME"], str(home)
        try:
            migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
            subprocess.run(migrate, cwd=supervisor.ROOT, check=True)
            with servers.tethered(supervisor.web_command(host="127.0.0.1", port=found)):
                servers.wait_for(lambda: socket.create_connection(("127.0.0.1", found)).close(), what="granian")
                yield found
        finally:
            os.environ["ATLAS_HOME"] = before


def said(port: int, request: bytes) -> bytes:
    """What the server answers, until it has nothing more to say for a second."""
    found = b""
    with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
        try:
            connection.sendall(request)
            while piece := connection.recv(65_536):
                found += piece
        except (TimeoutError, ConnectionError):
            pass
    return found


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_no_request_is_refused(kind, port):
    request, expected = HOSTILE[kind]
    answer = said(port, request)
    status = int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else None
    assert status in (*expected, None), answer[:300]
    assert b"Traceback" not in answer
    assert said(port, GET + HOST + b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 200"), "the next one is answered"
