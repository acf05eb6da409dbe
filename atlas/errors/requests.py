"""What can be wrong with a request before anybody looks at what it asks."""

from atlas.errors.pattern import AtlasError, NotFound


class Malformed(AtlasError):
    """{detail}"""

    status = 400


class BadHost(AtlasError):
    """This service does not answer to the name {host}."""

    status = 400


class BadParameter(AtlasError):
    """The query parameter {parameter} {reason}."""

    status = 400


class UnknownParameter(AtlasError):
    """There is no query parameter {parameter}; there are {parameters}."""

    status = 400


class DuplicateParameter(AtlasError):
    """The query parameter {parameter} is given more than once."""

    status = 400


class BadCursor(AtlasError):
    """This cursor was not issued for this list; start again without one."""

    status = 400


class MalformedQuery(AtlasError):
    """This query cannot be read at character {position}: {reason}.{advice}"""

    status = 400
    structured = ("excerpt", "did_you_mean")


class NotAcceptable(AtlasError):
    """This address has no such form; it has {forms}."""

    status = 406


class NoSuchAddress(NotFound):
    """There is nothing at {address}."""


class NoSuchSearch(NotFound):
    """You have no saved search {number}."""


class MethodNotAllowed(AtlasError):
    """{method} is not understood here; {allowed} are."""

    status = 405


class Csrf(AtlasError):
    """The request does not prove that it comes from our own page: send the CSRF token of your session."""

    status = 403


class TooLarge(AtlasError):
    """The body has more than {most} bytes, which is the most that is read here."""

    status = 413


class UnsupportedMediaType(AtlasError):
    """A body of type {media_type} is not read here; send {wanted}."""

    status = 415

    def __init__(self, *, media_type: str, wanted: str = "application/json") -> None:
        super().__init__(media_type=media_type, wanted=wanted)


class UnsupportedCharset(AtlasError):
    """The charset {charset} is not read; send UTF-8."""

    status = 415


class TooDeep(AtlasError):
    """The body is nested deeper than {most} levels."""

    status = 400


class DuplicateKey(AtlasError):
    """The key {key} is given twice in one object."""

    status = 400


class TooManyItems(AtlasError):
    """The body has more than {most} {items}."""


class KeyReused(AtlasError):
    """This Idempotency-Key was used for another request; take a new one for a new request."""


class KeyInFlight(AtlasError):
    """A request with this Idempotency-Key is being answered; ask again in a moment."""

    status = 409


class BadKey(AtlasError):
    """An Idempotency-Key has 1 to 200 visible ASCII characters."""

    status = 400


class PreconditionRequired(AtlasError):
    """Say which version you are changing: send If-Match with its version_tag."""

    status = 428


class RateLimited(AtlasError):
    """That is more than {limit} {category} requests in {window} seconds; go on in {retry_after} seconds."""

    status = 429


class NoStreamLeft(AtlasError):
    """All of the {most} streams are taken: ask the job itself, or come back in {retry_after} seconds."""

    status = 503


class TooManyStreams(AtlasError):
    """You follow {most} questions at once, the most there are: close a page, or come back in {retry_after} seconds."""

    status = 429


class QuotaExceeded(AtlasError):
    """{team} may use {limit} device-seconds in 24 hours and has {left} left; this needs about {wanted}.
    Enough is free again in {retry_after} seconds.
    """

    status = 429


class AboveQuota(AtlasError):
    """This needs about {wanted} device-seconds, and {team} may use {limit} in 24 hours: ask for less at once."""


class ControlCharacter(AtlasError):
    """Text must not contain NUL or lone surrogates."""
