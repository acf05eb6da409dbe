"""Thousands of requests made up from the API's own document, at a service of its own: `make fuzz`, `ARGS` go along."""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from atlas import supervisor
from tests import servers
from tests.api.uploading import MULTIPART, closed, part

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs" / "openapi.yaml"
SCHEMATHESIS = str(Path(sys.executable).parent / "schemathesis")
SCOPES = "read,write,review,compute,import,admin"
# Set up as an operator would; the catalogue and a checkpoint, so that what is made up may meet something.
SET_UP = (
    ("migrate", "--verbosity", "0"),
    ("publish_catalog",),
    ("add_person", "fuzz"),
    ("set_role", "fuzz", "operator"),
    ("found_team", "circle", "The circle", "--admin", "fuzz"),
    ("exhibit",),
)
# `positive_data_acceptance` is left out: a slug that is well-formed and names nothing is refused, as it should be.
OPTIONS = ("--exclude-checks", "positive_data_acceptance", "--seed", "1", "--max-examples", "40", "--no-color")
# Every way to refuse a body that the document forbids: a stale If-Match is refused before it, and 5xx is none.
REFUSING = "[checks.negative_data_rejection]\nexpected-statuses = [{}]\n".format(
    ", ".join(map(str, (400, 401, 403, 404, 405, 406, 409, 410, 412, 413, 415, 422, 428, 429)))
)


def main(arguments: list[str]) -> int:
    """Run all of it; what schemathesis says is the answer."""
    with servers.folder() as home:
        port = servers.free_port()
        limits = ",".join(f"{kind}=10000000" for kind in ("read", "search", "write", "compute", "import"))
        os.environ |= {"ATLAS_HOME": str(home), "ATLAS_RATES": limits, "ATLAS_LOG_LEVEL": "ERROR"}
        for command in SET_UP:
            manage(*command)
        token = manage("create_token", "fuzz", "--scopes", SCOPES)
        url = f"http://127.0.0.1:{port}"
        with servers.tethered(supervisor.web_command(host="127.0.0.1", port=port)):
            servers.wait_for(lambda: urllib.request.urlopen(f"{url}/healthz").close(), what="the service")
            made_up, there = home / "made-up.toml", home / "there.toml"
            made_up.write_text(REFUSING)
            there.write_text(REFUSING + places(url, token))
            options = ["--url", url, "--header", f"Authorization: Bearer {token}", *OPTIONS, *arguments]
            runs = ([SCHEMATHESIS, "--config-file", str(it), "run", str(DOCUMENT)] for it in (made_up, there))
            return max(subprocess.run([*run, *options], cwd=home).returncode for run in runs)


def places(url: str, token: str) -> str:
    """For a second run, in which every address leads to something: what the placeholders stand for, as TOML."""
    with urllib.request.urlopen(f"{url}/api/v1/jobs?limit=1") as answer:
        [job] = json.load(answer)["items"]
    found = {"slug": "curve-circuit", "layer": "curve", "channel": "0", "name": job["probe"], "team": "circle"}
    found |= {"handle": "fuzz", "fingerprint": job["fingerprint"], "term": "curve", "version": "1"}
    post(url, token, "terms", {"slug": "curve", "label": "curve"})
    content = {"neuron": "curve:0", "title": "A curve", "terms": [{"term": "curve", "polarity": "detects"}]}
    claim = {"kind": "description", "checkpoint": "curve-circuit", "content": content}
    found["accession"] = post(url, token, "footholds", claim)["accession"]
    said = post(url, token, f"footholds/{found['accession']}/comments", {"body": "So it is."})
    found["number"] = str(said["number"])
    rows = json.dumps({**claim, "external_id": "a", "content": content}).encode()
    file = closed(part("source", "fuzz"), part("checkpoint", "curve-circuit"), part("file", rows, filename="rows"))
    found["import_id"] = send(url, token, file, MULTIPART, to="imports")["id"]
    return "[parameters]\n" + "".join(f'"path.{name}" = "{value}"\n' for name, value in found.items())


def post(url: str, token: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """What the API answers; it must have made something."""
    return send(url, token, json.dumps(body).encode(), "application/json", to=path)


def send(url: str, token: str, body: bytes, kind: str, *, to: str) -> dict[str, Any]:
    """The same for a body of any kind."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
    asked = urllib.request.Request(f"{url}/api/v1/{to}", body, headers)
    with urllib.request.urlopen(asked) as answer:
        made: dict[str, Any] = json.load(answer)
        return made


def manage(*command: str) -> str:
    """What one of our commands prints; it must succeed."""
    done = subprocess.run(
        [sys.executable, "manage.py", *command], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
