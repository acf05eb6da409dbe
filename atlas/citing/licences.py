"""Where a licence can be read: only those whose address we know, since a guessed address is worse than none."""

from collections.abc import Mapping

CC_BY = "CC-BY-4.0"  # what contributions are under, agreed to at sign-up
ADDRESSES: Mapping[str, str] = {
    CC_BY: "https://creativecommons.org/licenses/by/4.0/",
    "CC-BY-SA-4.0": "https://creativecommons.org/licenses/by-sa/4.0/",
    "CC-BY-NC-4.0": "https://creativecommons.org/licenses/by-nc/4.0/",
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    **{
        name: f"https://spdx.org/licenses/{name}.html"
        for name in ("Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "MIT", "GPL-3.0-or-later", "AGPL-3.0-or-later")
    },
}


def address_of(licence: str) -> str:
    """The address of a licence by its SPDX identifier; empty for words we do not know."""
    return ADDRESSES.get(licence, "")
