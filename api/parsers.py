"""JSON bodies, read strictly: what is ambiguous, oversized or unprintable is refused before anybody acts on it."""

from typing import Any

from django.conf import settings
from django.http import QueryDict
from rest_framework.parsers import BaseParser

from atlas import strictness
from atlas.errors import Malformed, TooLarge, UnsupportedCharset, UnsupportedMediaType


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
        return strictness.read(_text(stream), what="The body")


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
