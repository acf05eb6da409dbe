"""From a weights file and its card to a published checkpoint: examined in a sandboxed child, then recorded at once."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from atlas.errors import AtlasError
from atlas.models import Checkpoint, Contributor
from atlas.services import catalog, checkpoints
from atlas.services.checkpoints import AliasFacts, LayerFacts, Registration
from atlas.uploads import LARGEST as LARGEST_FILE

ROOT = Path(__file__).resolve().parent.parent
LARGEST_CARD = 4 << 20  # bytes
PATIENCE = 600  # seconds
GLANCE = 0.2  # seconds between two looks at a child at work
CANONICAL = "weights.safetensors"  # the file the child leaves
TOLD = ("PATH", "HOME", "TMPDIR", "LANG", "LD_LIBRARY_PATH")  # what the child learns of our environment: no secret


# The question an upload asks, as the catalogue publishes it: what it is about is known by content, never by a path.
KIND = {
    "name": catalog.REGISTER,
    "version": 1,
    "summary": "What an uploaded file is: its identity, its layers and its neurons.",
    "description": "Examines an upload in a sandbox and, when nothing is wrong with it, publishes its draft. "
    "It is asked by uploading, POST /api/v1/checkpoints, and by nothing else.",
    "schema": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": False,
        "required": ["architecture", "upload", "card"],
        "properties": {
            "architecture": {"type": "string", "title": "Architecture"},
            "upload": {"type": "string", "title": "SHA-256 of the file"},
            "card": {"type": "string", "title": "SHA-256 of the card"},
        },
    },
    "subjects": ["checkpoint"],
    "site": "",
    "example": {"architecture": "curve-circuit", "upload": "0" * 64, "card": "0" * 64},
    "seconds": 10.0,
}


class Refused(AtlasError):
    """{file} was refused ({slug}): {detail}"""

    @property
    def reason(self) -> str:
        """The slug of what was wrong."""
        return str(self.facts["reason"])

    def __init__(self, *, file: str, reason: str, detail: str, **facts: Any) -> None:
        super().__init__(file=file, slug=reason, reason=reason, detail=detail, **facts)


def register(
    *,
    slug: str,
    architecture: str,
    weights: Path,
    card: dict[str, Any],
    actor: Contributor | None = None,
    progress: Callable[[str], None] = lambda step: None,
) -> tuple[Checkpoint, bool]:
    """Publish the checkpoint in `weights`; (row, whether it is new). Refusals leave nothing behind.

    Raises BadSlug, BadCard, Refused (by the name of what is wrong with the file), RegisteredDifferently,
    RegisteredElsewhere.
    """
    checkpoints.require_slug(slug)
    card = checkpoints.read_card(card)
    _require_file(weights)
    with tempfile.TemporaryDirectory(prefix="atlas-examination-") as folder:
        facts = examined(weights, architecture=architecture, card=card, folder=Path(folder), progress=progress)
        return checkpoints.register(actor=actor, slug=slug, facts=facts, card=card, weights=Path(folder) / CANONICAL)


def read_card(path: Path) -> dict[str, Any]:
    """The card's JSON; raises Refused when it is none."""
    try:
        if path.stat().st_size > LARGEST_CARD:
            raise Refused(file=path.name, reason="too-large", detail=f"a card has at most {LARGEST_CARD} bytes")
        card = json.loads(path.read_text())
    except OSError as error:
        raise Refused(file=path.name, reason="unreadable", detail=error.strerror or "it cannot be read") from None
    except ValueError as error:
        raise Refused(file=path.name, reason="malformed", detail=f"it is not JSON ({error})") from None
    if not isinstance(card, dict):
        raise Refused(file=path.name, reason="malformed", detail="a card is a JSON object")
    return card


def examined(
    weights: Path,
    *,
    architecture: str,
    card: dict[str, Any],
    folder: Path,
    progress: Callable[[str], None],
    glance: Callable[[], None] = lambda: None,
) -> Registration:
    """What a child with limits found out about the file; it leaves the canonical `weights.safetensors` in `folder`.

    `progress` hears each step, `glance` is called several times a second; whatever either raises ends the child.
    """
    described = folder / "card.json"
    described.write_text(json.dumps(card))
    command = [sys.executable, "-m", "workers.examination", str(weights.resolve()), architecture, str(described)]
    status = _run([*command, str(folder)], log=folder / "log", progress=progress, glance=glance)
    if status:
        raise _refusal(weights, folder, status=status)
    facts = _registration(json.loads((folder / "facts.json").read_text()))
    facts.aliases.extend(_named(card["aliases"], facts))
    return facts


def rewritten(pickled: Path, *, folder: Path, progress: Callable[[str], None]) -> Path:
    """A pickle of tensors as a safetensors file in `folder`, read by a child with limits: the operator's way only."""
    command = [sys.executable, "-m", "workers.unpickling", str(pickled.resolve()), str(folder)]
    status = _run(command, log=folder / "log", progress=progress)
    if status:
        raise _refusal(pickled, folder, status=status)
    return folder / CANONICAL


def _run(
    command: list[str], *, log: Path, progress: Callable[[str], None], glance: Callable[[], None] = lambda: None
) -> int:
    """The child's exit status; its lines are progress. One that outlasts our patience is killed.

    Its standard input is a pipe of which we hold the other end: when we die, however we die, it notices and ends.
    """
    told = {name: os.environ[name] for name in TOLD if name in os.environ}
    lines = log.with_suffix(".said")
    with log.open("wb") as errors, lines.open("wb") as said, lines.open() as heard:
        child = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**told, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=errors,
        )
        try:
            return _attended(child, heard, progress=progress, glance=glance)
        finally:
            child.kill()
            child.communicate()


def _attended(
    child: "subprocess.Popen[bytes]", heard: IO[str], *, progress: Callable[[str], None], glance: Callable[[], None]
) -> int:
    until = time.monotonic() + PATIENCE
    while True:
        status = _ended(child)
        for line in heard:
            progress(line.strip())
        if status is not None:
            return status
        glance()
        if time.monotonic() > until:
            child.kill()


def _ended(child: "subprocess.Popen[bytes]") -> int | None:
    try:
        return child.wait(timeout=GLANCE)
    except subprocess.TimeoutExpired:
        return None


def _refusal(weights: Path, folder: Path, *, status: int) -> Refused:
    verdict = folder / "refusal.json"
    if verdict.exists():
        refusal = json.loads(verdict.read_text())
        return Refused(file=weights.name, reason=refusal["slug"], detail=refusal["detail"])
    last = (folder / "log").read_text().strip().splitlines()[-1:] or ["no message"]
    detail = f"reading it took more memory or time than a checkpoint may (status {status}: {last[0][:200]})"
    return Refused(file=weights.name, reason="checkpoint-resource", detail=detail)


def _require_file(weights: Path) -> None:
    if not weights.is_file():
        raise Refused(file=weights.name, reason="unreadable", detail="there is no such file")
    if weights.stat().st_size > LARGEST_FILE:
        raise Refused(file=weights.name, reason="too-large", detail=f"it is larger than {LARGEST_FILE} bytes")


def _registration(facts: dict[str, Any]) -> Registration:
    layers = [LayerFacts(**layer) for layer in facts.pop("layers")]
    aliases = [AliasFacts(**alias) for alias in facts.pop("aliases")]
    return Registration(layers=layers, aliases=aliases, **facts)


def _named(aliases: dict[str, str], facts: Registration) -> list[AliasFacts]:
    """The card's own names for whole layers or branches, as ranges of a layer."""
    ranges = {layer.key: AliasFacts(layer.key, layer.key, 0, layer.channels) for layer in facts.layers}
    ranges |= {alias.name: alias for alias in facts.aliases}
    unknown = sorted(set(aliases.values()) - set(ranges))
    if unknown:
        raise Refused(
            file="the card", reason="no-such-layer", detail=f"its aliases name {unknown}, which are no layers"
        )
    return [
        AliasFacts(name, ranges[target].layer, ranges[target].start, ranges[target].stop)
        for name, target in aliases.items()
        if name not in ranges
    ]
