"""Names of footholds that survive every edit: a letter for the kind, eight random characters, and one that checks them.

The alphabet is Crockford's base 32, so that a name read aloud or copied by hand comes back: case does not matter, O is
0, I and L are 1. The check character is a weighted sum over GF(32): each place has a weight of its own, so every single
wrong character and every exchange of two characters, wherever they stand, is noticed.
"""

import secrets
from collections.abc import Iterator

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 10  # the kind's letter, eight random characters, the check character
READ_AS = str.maketrans("OIL", "011")
MODULUS = 0b100101  # x⁵ + x² + 1, primitive over GF(2): the powers of x are all 31 elements but zero


def make(letter: str) -> str:
    """A new accession of a kind; 40 random bits, so a clash is retried by whoever holds the unique column."""
    body = letter + "".join(secrets.choice(ALPHABET) for _ in range(LENGTH - 2))
    return body + check(body)


def check(body: str) -> str:
    """The check character of an accession's other nine."""
    return ALPHABET[_sum(body + "0")]


def read(text: str) -> str:
    """An accession as somebody wrote it, in its canonical spelling; it need not be valid."""
    return text.strip().upper().translate(READ_AS)


def is_valid(accession: str) -> bool:
    """Whether this is canonically spelled and its check character is right."""
    return len(accession) == LENGTH and set(accession) <= set(ALPHABET) and _sum(accession) == 0


def neighbours(accession: str) -> Iterator[str]:
    """The valid accessions that one slip away: a wrong character, or two neighbouring ones exchanged."""
    if len(accession) != LENGTH:
        return
    for place in range(LENGTH):
        for letter in ALPHABET:
            changed = accession[:place] + letter + accession[place + 1 :]
            if is_valid(changed):
                yield changed
        exchanged = accession[:place] + accession[place : place + 2][::-1] + accession[place + 2 :]
        if is_valid(exchanged):
            yield exchanged


def _sum(accession: str) -> int:
    """Σ xⁱ·cᵢ over GF(32), i counted from the check character: zero for a valid accession. Horner's rule."""
    total = 0
    for letter in accession:
        total = _times_x(total) ^ ALPHABET.index(letter)
    return total


def _times_x(value: int) -> int:
    shifted = value << 1
    return shifted ^ MODULUS if shifted & 0b100000 else shifted
