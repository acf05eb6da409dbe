"""Secrets that are shown once and kept as a hash: tokens for scripts, invitations for people."""

import hashlib
import hmac
import secrets

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: nothing in it looks like something else
PREFIX, SECRET = 8, 32  # characters; 32 of 32 letters are 160 bits


def make(kind: str) -> tuple[str, str, str]:
    """(what is shown once, its public prefix, the SHA-256 that is kept) of a new `kind_prefix_secret`."""
    prefix, secret = _letters(PREFIX), _letters(SECRET)
    shown = f"{kind}_{prefix}_{secret}"
    return shown, prefix, digest(shown)


def prefix_of(kind: str, shown: str) -> str | None:
    """The public prefix of a secret of this kind; None for anything that is not written like one."""
    parts = shown.split("_") if len(shown) == len(kind) + PREFIX + SECRET + 2 else []
    written = len(parts) == 3 and parts[0] == kind and set(parts[1] + parts[2]) <= set(ALPHABET)
    return parts[1] if written and len(parts[1]) == PREFIX else None


def matches(shown: str, kept: str) -> bool:
    """Whether this is the secret whose hash was kept, compared in constant time."""
    return hmac.compare_digest(digest(shown), kept)


def digest(shown: str) -> str:
    """Hex SHA-256. No slow hash: 160 random bits cannot be guessed, and every request pays for this."""
    return hashlib.sha256(shown.encode()).hexdigest()


def _letters(count: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(count))
