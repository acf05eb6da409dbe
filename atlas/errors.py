"""What can go wrong with the record: the docstring is the message, the name the contract, the facts travel along."""

import re
from typing import Any, ClassVar, Literal

Fault = Literal["yours", "ours"]


class AtlasError(Exception):
    """Something went wrong."""

    status: ClassVar[int] = 422
    fault: ClassVar[Fault] = "yours"
    # Facts that are JSON of ours, and are handed on as they are; all others are shortened to a line.
    structured: ClassVar[tuple[str, ...]] = ()

    def __init__(self, **facts: Any) -> None:
        self.facts = facts
        super().__init__((self.__doc__ or "").strip().format(**facts))

    @classmethod
    def slug(cls) -> str:
        """The stable name of this kind of problem: `NoSuchLayer` is `no-such-layer`."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()

    @classmethod
    def title(cls) -> str:
        """The slug as a person reads it."""
        return cls.slug().replace("-", " ").capitalize()

    @property
    def errors(self) -> list[dict[str, str]]:
        """Where in the input the fault lies: pointer (RFC 6901), code and detail of each."""
        return list(self.facts.get("errors", ()))


class NotCanonical(AtlasError):
    """This value cannot be recorded: {reason}."""


class NotFound(AtlasError):
    """There is no {kind} {name} here."""

    status = 404


class NoSuchCheckpoint(NotFound):
    """There is no checkpoint {checkpoint}."""


class NoSuchLayer(NotFound):
    """{checkpoint} has no layer {layer}; its layers are {layers}."""


class NoSuchNeuron(NotFound):
    """{layer} of {checkpoint} has {width} neurons, 0 to {last}; there is no neuron {channel}."""


class NoSuchJob(NotFound):
    """There is no job {fingerprint}."""


class NoSuchArtifact(NotFound):
    """There is no artifact {sha256}."""


class NoSuchRequest(NotFound):
    """There is no request {request}."""


class NoSuchProbe(AtlasError):
    """No worker has published a probe {probe}; published are {probes}."""


class NoSuchTeam(NotFound):
    """There is no team {team} here."""


class NoSuchMember(NotFound):
    """{member} is no member of this team."""


class NoSuchInvitation(NotFound):
    """This team has no invitation {prefix}."""


class NoSuchPerson(NotFound):
    """There is nobody called {handle}."""


class NoSuchToken(NotFound):
    """You have no token {prefix}."""


class NoSuchFoothold(NotFound):
    """There is no foothold {accession} here."""

    structured = ("did_you_mean",)


class NoSuchVersion(NotFound):
    """{accession} has versions 1 to {last}; there is no version {version}."""


class NoSuchSupport(NotFound):
    """{evidence} does not speak of {claim} so."""


class NoSuchTerm(NotFound):
    """There is no term {term}."""


class Gone(AtlasError):
    """{accession} was removed by a moderator; its address stays, and is given to nothing else."""

    status = 410


class SelfReview(AtlasError):
    """You wrote {accession}, or a part of it: your own verdict never counts."""

    status = 409


class IllegalStanding(AtlasError):
    """{accession} is {standing}; it cannot be {verb}."""

    status = 409


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


class Validation(AtlasError):
    """The request is well-formed, but {count} of its fields cannot be accepted: {summary}"""

    def __init__(self, *, errors: list[dict[str, str]]) -> None:
        summary = "; ".join(f"{error['pointer'] or '/'}: {error['detail']}" for error in errors[:3])
        super().__init__(errors=errors, count=len(errors), summary=summary)


class TextPolicy(Validation):
    """This text would mislead whoever reads it: {summary}"""


class AuthenticationRequired(AtlasError):
    """Reading is open to everyone; for this you have to sign in."""

    status = 401


class BadCredential(AtlasError):
    """This token opens nothing: it is not one of ours, or its owner has left."""

    status = 401


class TokenExpired(AtlasError):
    """This token has expired; make another."""

    status = 401


class TokenRevoked(AtlasError):
    """This token was revoked; make another."""

    status = 401


class SessionRequired(AtlasError):
    """This takes a person who has signed in; a token is not enough."""

    status = 403


class InsufficientScope(AtlasError):
    """This token may not do this; it needs the scope {scope}."""

    status = 403


class Forbidden(AtlasError):
    """You may not {verb} here; it needs {needs}."""

    status = 403


class NotAcceptable(AtlasError):
    """This address has no such form; it has {forms}."""

    status = 406


class AboveYourRole(AtlasError):
    """Nobody gives a role above their own, or takes one away."""

    status = 403


class LastAdmin(AtlasError):
    """This is the team's last admin: make somebody else admin first."""

    status = 409


class LastOperator(AtlasError):
    """This is the last operator of the service: make somebody else operator first."""

    status = 409


class PersonalSpace(AtlasError):
    """A personal space has one member, its person; for several people found a team."""

    status = 409


class BadInvitation(AtlasError):
    """This invitation does not hold: it was used up, has expired, was revoked, or is not one of ours."""


class RegisteredDifferently(AtlasError):
    """{slug} is registered already, as another checkpoint ({digest}); a slug is never reused."""

    status = 409


class RegisteredElsewhere(AtlasError):
    """This very checkpoint is registered already, as {slug}."""

    status = 409


class StillDraft(AtlasError):
    """{slug} is a draft: only the registration of its upload publishes it."""

    status = 409


class UploadReplaced(AtlasError):
    """Another file or card was uploaded as {slug} meanwhile; this one is registered no more."""

    status = 409


class CheckpointEmpty(AtlasError):
    """The file is empty."""


class DigestMismatch(AtlasError):
    """The file that arrived has the SHA-256 {found}, not {declared} as the request says."""


class BadSlug(AtlasError):
    """{slug} cannot name a checkpoint; a slug has 2 to 40 lower-case letters, digits and dashes, and is not new."""


class BadCard(AtlasError):
    """The card cannot be used: {summary}"""

    def __init__(self, *, errors: list[dict[str, str]]) -> None:
        summary = "; ".join(f"{error['pointer'] or '/'}: {error['detail']}" for error in errors[:5])
        super().__init__(errors=errors, summary=summary)


class ProbeChangedWithoutVersion(AtlasError):
    """{probe} version {version} is published with another schema; a changed probe needs a new version."""

    status = 409
    fault = "ours"


class IllegalTransition(AtlasError):
    """This job is {state}; it cannot be {verb}."""

    status = 409


class LeaseLost(AtlasError):
    """The lease of job {fingerprint} was superseded; this result is discarded."""

    status = 409
    fault = "ours"


class ArtifactCorrupt(AtlasError):
    """The bytes stored for {sha256} are not the bytes it names; they are not served."""

    status = 500
    fault = "ours"


class ArtifactMissing(AtlasError):
    """The bytes of {sha256} are missing from the store; the operator has to restore them."""

    status = 500
    fault = "ours"


class Immutable(AtlasError):
    """{table} is a record: its rows are never changed or deleted."""

    status = 409


class NoSuchAddress(NotFound):
    """There is nothing at {address}."""


class MethodNotAllowed(AtlasError):
    """{method} is not understood here; {allowed} are."""

    status = 405


class Csrf(AtlasError):
    """The request does not prove that it comes from our own page: send the CSRF token of your session."""

    status = 403


class PasswordIsTemporary(AtlasError):
    """Your password was printed for somebody to read: choose one of your own first, at /accounts/password."""

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


class EditConflict(AtlasError):
    """This was changed since you read it: it is at {current} now, and you sent {seen}."""

    status = 412
    structured = ("base", "mine", "theirs", "fields", "merge")


class RateLimited(AtlasError):
    """That is more than {limit} {category} requests in {window} seconds; go on in {retry_after} seconds."""

    status = 429


class TooManyAttempts(AtlasError):
    """That was tried too often in a short time; wait a few minutes, then try again."""

    status = 429


class ControlCharacter(AtlasError):
    """Text must not contain NUL or lone surrogates."""


class Internal(AtlasError):
    """Something went wrong on our side. It has been logged under the id of this request."""

    status = 500
    fault = "ours"
