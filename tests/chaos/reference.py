"""The reference probe: what it answers follows from the question, so that any process may compute it and all can check.

It needs no torch, because a process that imports it takes seconds to start and these are killed by the hundred. One
question in a hundred has a fault of its own; two kill whoever computes them, until they are quarantined.
"""

import hashlib
from typing import Any

NAME, POISON = "reference", "poison"
UNITS = [f"mixed:{channel}" for channel in range(12)]
SIZE = 4096  # bytes of an answer
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "properties": {"number": {"type": "integer", "title": "Number", "minimum": 0, "default": 0}},
}
FAULT = {"slug": "no-answer", "detail": "It has none.", "facts": {}, "fault": "yours"}


def answer(fingerprint: str) -> bytes:
    """The one right answer."""
    return hashlib.shake_256(fingerprint.encode()).digest(SIZE)


def name(answer: bytes) -> str:
    """What its artifact is called."""
    return hashlib.sha256(answer).hexdigest()


def is_slow(fingerprint: str) -> bool:
    """Whether it takes longer than a lease: who wakes up from a longer sleep finds somebody else at work on it."""
    return int(fingerprint[4:8], 16) % 40 == 0


def has_none(fingerprint: str) -> bool:
    """Whether the question is at fault."""
    return int(fingerprint[:4], 16) % 100 == 0
