"""JSON-LD in the words of schema.org, for search engines and graphs."""

import json
from collections.abc import Mapping
from typing import Any

from atlas.citing.facts import Author, Kind, Work
from atlas.citing.licences import address_of
from atlas.citing.names import parts_of

SCHEMA = "https://schema.org"
TYPES: Mapping[Kind, str] = {
    Kind.CHECKPOINT: "Dataset",
    Kind.NEURON: "Dataset",
    Kind.DATASET: "Dataset",
    Kind.FIGURE: "CreativeWork",
    Kind.FOOTHOLD: "CreativeWork",
    Kind.CIRCUIT: "CreativeWork",
    Kind.COLLECTION: "Dataset",
    Kind.RELEASE: "Dataset",
}


def document(work: Work) -> str:
    """The work as one node."""
    return json.dumps(node(work), ensure_ascii=False, indent=2) + "\n"


def node(work: Work) -> dict[str, Any]:
    """What is known of it, by schema.org's names."""
    known = {
        "@context": SCHEMA,
        "@id": work.url,
        "@type": TYPES[work.kind],
        "name": work.title,
        "description": work.note,
        "url": work.url,
        "identifier": [work.key, *(f"sha256:{it}" for it in (work.content_sha256, work.checkpoint_sha256) if it)],
        "version": str(work.version or ""),
        "creator": [person(one) for one in work.authors],
        "datePublished": work.issued.isoformat() if work.issued else "",
        "publisher": {"@type": "Organization", "name": work.publisher},
        "license": address_of(work.licence) or work.licence,
        "isPartOf": {"@id": work.part_of} if work.part_of else None,
    }
    return {name: value for name, value in known.items() if value}


def person(who: Author) -> dict[str, Any]:
    """An author; of a name that is nobody's to take apart it is not known whose it is, a person's or a team's."""
    name = parts_of(who)
    known = {
        "@type": "" if who.whole else "Person",
        "@id": who.address,
        "name": name.spoken,
        "familyName": "" if name.whole else name.sorted_under,
        "givenName": name.given,
        "url": who.url,
    }
    return {name: value for name, value in known.items() if value}
