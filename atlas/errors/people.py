"""What can go wrong with people: who they are, what they may, and the teams they are in."""

from atlas.errors.pattern import AtlasError, NotFound


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


class PasswordIsTemporary(AtlasError):
    """Your password was printed for somebody to read: choose one of your own first, at /accounts/password."""

    status = 403


class TooManyAttempts(AtlasError):
    """That was tried too often in a short time; wait a few minutes, then try again."""

    status = 429
