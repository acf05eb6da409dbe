"""JSON bodies, read strictly: what is ambiguous, oversized or unprintable is refused before anybody acts on it."""

import json
from typing import Any

from django.conf import settings
from django.http import QueryDict
from rest_framework.parsers import BaseParser

from atlas import canonical
from atlas.errors import (
    ControlCharacter,
    DuplicateKey,
    Malformed,
    TooDeep,
    TooLarge,
    TooManyItems,
    UnsupportedCharset,
    UnsupportedMediaType,
)

DEEPEST = 32
MOST_KEYS = 1_000
MOST_ITEMS = 10_000
LONGEST_TEXT = 64 * 1024


class StrictJSONParser(BaseParser):
    """application/json in UTF-8, without duplicate keys, NaN, NUL, lone surrogates, or more than its share.

    Each refusal is an AtlasError: 400 where the text is not JSON or ambiguous, 413 and 415 where it is not read at all,
    422 where a value could not be kept as it is.
    """

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: dict[str, Any] | None = None) -> Any:
        """The value of the body."""
        _require_plain_bytes((parser_context or {})["request"].headers.get("Content-Encoding", "identity"))
        _require_utf8(media_type or "")
        value = _loaded(_text(stream))
        _inspect(value, depth=1)
        return value


class NotYet(BaseParser):
    """A body that the endpoint reads itself, once it knows who sends it: here nothing of it is."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: dict[str, Any] | None = None) -> Any:
        """No fields: a session's CSRF token has to stand in its header."""
        return QueryDict()


def _require_plain_bytes(encoding: str) -> None:
    """Nothing is unpacked here, so nothing can unfold into gigabytes."""
    if encoding.lower() != "identity":
        raise UnsupportedMediaType(media_type=encoding[:40])


def _require_utf8(media_type: str) -> None:
    for parameter in media_type.split(";")[1:]:
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "charset" and value.strip('"').lower() not in ("utf-8", "utf8"):
            raise UnsupportedCharset(charset=value[:40])


def _text(stream: Any) -> str:
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    raw = stream.read(most + 1)
    if len(raw) > most:
        raise TooLarge(most=most)
    try:
        text: str = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed(detail="The body is not UTF-8.") from None
    if text.startswith("\ufeff"):
        raise Malformed(detail="The body starts with a byte order mark; send it without.")
    return text


def _loaded(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_members, parse_constant=_not_a_number)
    except RecursionError:
        raise TooDeep(most=DEEPEST) from None
    except ValueError:
        raise Malformed(detail="The body is not JSON.") from None


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for key, value in pairs:
        if key in members:
            _require_plain(key)
            raise DuplicateKey(key=key[:80])
        members[key] = value
    return members


def _not_a_number(name: str) -> Any:
    raise Malformed(detail=f"{name} is not JSON.")


def _inspect(value: Any, *, depth: int) -> None:
    if isinstance(value, str):
        _require_plain(value)
    elif isinstance(value, int | float):
        canonical.normalise(value)
    elif isinstance(value, dict | list):
        if depth > DEEPEST:
            raise TooDeep(most=DEEPEST)
        if len(value) > (MOST_KEYS if isinstance(value, dict) else MOST_ITEMS):
            raise TooManyItems(most=MOST_KEYS if isinstance(value, dict) else MOST_ITEMS, items="members")
        for inner in [*value, *value.values()] if isinstance(value, dict) else value:
            _inspect(inner, depth=depth + 1)


def _require_plain(text: str) -> None:
    if len(text) > LONGEST_TEXT:
        raise TooManyItems(most=LONGEST_TEXT, items="characters in one text")
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ControlCharacter()
