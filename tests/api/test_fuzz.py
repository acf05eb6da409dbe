"""A few requests made up from the API's own document, over a real connection; `make fuzz` makes thousands."""

import subprocess

from atlas.models import Scope
from atlas.services import people, tokens
from tests.fuzz import DOCUMENT, OPTIONS, SCHEMATHESIS


def test_what_is_made_up_from_the_document_is_answered_as_it_says(server_url, register_on, probe_on, tmp_path):
    register_on(), probe_on()
    owner = people.join(username="fuzz", password="correct horse battery", role="operator")
    token = tokens.create(owner=owner, name="fuzz", scopes=Scope.values)[1]
    few = ["--phases", "fuzzing,stateful", "--max-examples", "3", "--url", server_url]
    command = [SCHEMATHESIS, "run", str(DOCUMENT), *OPTIONS, *few, "--header", f"Authorization: Bearer {token}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-5_000:] + done.stderr
