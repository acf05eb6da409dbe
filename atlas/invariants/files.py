"""Files, rows and hashes of artifacts have to agree; an orphan file is garbage, an orphan row would be a lie."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

from atlas.errors import AtlasError
from atlas.models import Artifact
from atlas.services import artifacts
from atlas.storage import SHA256, hash_of, path_of

FORGOTTEN = 3600.0  # seconds after which nobody writes any more


def missing_or_torn() -> Iterator[str]:
    """Artifacts whose bytes are not there, not of their size, or not what their name says."""
    for row in Artifact.objects.iterator():
        try:
            with artifacts.open_checked(row) as file:
                size = file.seek(0, 2)
        except AtlasError as error:
            yield str(error)
            continue
        if size != row.size:
            yield f"{row.sha256[:12]} has {size} bytes, its row says {row.size}"


def misnamed() -> Iterator[str]:
    """Files under a final name that are something else, whether or not a row knows them."""
    store = artifacts.store()
    for name in artifacts.stored():
        if not SHA256.fullmatch(name):
            yield f"{name[:80]} is no name of an artifact"
            continue
        with store.open(path_of(name)) as file:
            if hash_of(iter(lambda: file.read(1 << 20), b"")) != name:
                yield f"{name[:12]} is not what its name says"


def half_written() -> Iterator[str]:
    """Files that somebody began to write long ago."""
    store = artifacts.store()
    names = store.listdir("tmp")[1] if store.exists("tmp") else []
    for name in names:
        age = time.time() - _written(store.get_modified_time(f"tmp/{name}"))
        if age > FORGOTTEN:
            yield f"tmp/{name} was begun {age / 3600:.1f} hours ago"


def _written(at: datetime) -> float:
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
