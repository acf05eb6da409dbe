"""CSL-JSON, which Zotero, pandoc and every CSL processor read."""

import json
from typing import Any

from atlas.citing.facts import Author, Work
from atlas.citing.names import parts_of


def item(work: Work) -> str:
    """The work as one item of type `dataset`."""
    return json.dumps(fields(work), ensure_ascii=False, indent=2) + "\n"


def fields(work: Work) -> dict[str, Any]:
    """The variables that are known, by CSL's names."""
    dated = {"date-parts": [[work.issued.year, work.issued.month, work.issued.day]]} if work.issued else None
    known = {
        "id": work.key,
        "type": "dataset",
        "title": work.title,
        "author": [author(one) for one in work.authors],
        "issued": dated,
        "version": str(work.version or ""),
        "publisher": work.publisher,
        "URL": work.url,
        "note": work.note,
    }
    return {name: value for name, value in known.items() if value}


def author(who: Author) -> dict[str, str]:
    """A name in CSL's parts."""
    name = parts_of(who)
    if name.whole:
        return {"literal": name.family}
    parts = {
        "family": name.family,
        "given": name.given,
        "non-dropping-particle": name.particle,
        "suffix": name.suffix,
    }
    return {part: value for part, value in parts.items() if value}
