"""The multipart body of an upload, as a browser or curl writes it, and as nobody should."""

import base64
import json
from typing import Any

BOUNDARY = "----boundary"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
CARD = {"title": "A network", "input": {}, "licence": "CC0-1.0"}
ABSENT = object()
PICTURE = base64.b64decode(  # a PNG of one grey pixel
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
)


def part(name: str, value: str | bytes, *, filename: str | None = None, declared: str = "") -> bytes:
    """One part of a body."""
    named = f'; filename="{filename}"' if filename is not None else ""
    named += f"\r\nContent-Type: {declared}" if declared else ""
    data = value.encode() if isinstance(value, str) else value
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode() + data + b"\r\n"


def closed(*parts: bytes) -> bytes:
    """A whole body of these parts."""
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def form(*more: bytes, weights: Any = b"weights", card: Any = CARD, **fields: Any) -> bytes:
    """A body that would be accepted, but for what is said otherwise; ABSENT leaves a part out."""
    given = {"slug": "curves", "architecture": "curve-circuit", **fields}
    given["card"] = card if isinstance(card, str) or card is ABSENT else json.dumps(card)
    parts = [part(name, value) for name, value in given.items() if value is not ABSENT]
    parts += [] if weights is ABSENT else [part("weights", weights, filename="weights.safetensors")]
    return closed(*parts, *more)
