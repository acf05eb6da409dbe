"""Claims as they leave: a line each, what is named before what names it, so that the file can be imported elsewhere."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db.models import F, QuerySet

from atlas import canonical, claim_files
from atlas.contents import CONTENTS, replaced
from atlas.dossiers import footholds
from atlas.dossiers.bodies import body
from atlas.dossiers.footholds import FootholdFacts
from atlas.models import Contributor, Foothold, Reference, Revision, Support
from atlas.permissions import readable_footholds

AT_ONCE = 200  # lines that are read by one set of queries
FACTS = ("accession", "version", "state", "rank", "team", "author", "created_at", "content_sha256")


def chosen(actor: Contributor | None, *, state: str | None = None, **columns: str) -> QuerySet[Foothold]:
    """The footholds that somebody may read; those that stand, unless another state is asked for."""
    found = footholds.readable_by(actor, state=state).filter(**columns)
    return found.filter(standing=Foothold.Standing.OPEN) if state is None else found


def in_order(rows: QuerySet[Foothold]) -> list[int]:
    """Their ids, oldest first; but what a foothold names, or speaks of, comes before it, where they are no circle."""
    every: list[int] = list(rows.order_by("pk").values_list("pk", flat=True))
    these = rows.order_by().values("pk")
    names: dict[int, list[int]] = defaultdict(list)
    said = Support.objects.filter(withdrawn_at=None, evidence__in=these).values_list("evidence", "claim")
    for one, other in sorted({*Reference.objects.filter(foothold__in=these).values_list("foothold", "target"), *said}):
        names[one].append(other)
    return list(_named_first(every, names))


def lines(ids: Sequence[int], *, actor: Contributor | None) -> Iterator[dict[str, Any]]:
    """A line for each of these, in this order, as `claim_files.ROW` has it."""
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        rows = footholds.readable_by(actor).in_bulk(some)
        facts = {it.accession: it for it in footholds.listed(rows.values(), actor=actor)}
        heads = Revision.objects.filter(foothold__in=some, version=F("foothold__head_version"))
        by_foothold = {head.foothold_id: head for head in heads}
        called, spoken = _called(some, actor), _spoken(some, actor)
        # Only what still is as it was when the order was made: a foothold may have been hidden meanwhile.
        for pk in (pk for pk in some if pk in rows and pk in by_foothold):
            row = rows[pk]
            yield _line(row, facts[row.accession], by_foothold[pk], called, spoken.get(pk, []))


def jsonl(ids: Sequence[int], *, actor: Contributor | None) -> Iterator[bytes]:
    """The lines in their canonical form."""
    return (canonical.encode(line) + b"\n" for line in lines(ids, actor=actor))


def table(ids: Sequence[int], *, actor: Contributor | None, kinds: Iterable[str]) -> Iterator[str]:
    """The same as CSV, with a column for each member that the contents of these kinds have."""
    members = list(dict.fromkeys(name for kind in kinds for name in CONTENTS[kind].schema["properties"]))
    beside = [name for name in claim_files.BESIDE if name != "summary"]
    write = csv.writer(_Handed()).writerow
    yield write([*beside, *members, *(f"{claim_files.PAST}{name}" for name in FACTS)])
    for line in lines(ids, actor=actor):
        content, record = line["content"], line["record"]
        cells = [
            *(_cell(line.get(name), as_text=name != "speaks_of") for name in beside),
            *(_cell(content.get(name), as_text=claim_files.is_text(line["kind"], name)) for name in members),
            *(_cell(str(record[name]), as_text=True) for name in FACTS),
        ]
        yield write(cells)


class _Handed:
    """A file that hands back what is written to it: the csv module writes to nothing else."""

    def write(self, row: str) -> str:
        """The row."""
        return row


def _cell(value: Any, *, as_text: bool) -> str:
    if value is None:
        return ""
    return claim_files.neutral(value if as_text and isinstance(value, str) else canonical.encode(value).decode())


def _line(
    row: Foothold,
    listed: FootholdFacts,
    head: Revision,
    called: Mapping[str, str],
    spoken: list[dict[str, str]],
) -> dict[str, Any]:
    content = head.content
    for mention in CONTENTS[row.kind].mentions(content):
        if mention.what == "foothold" and called.get(mention.text, mention.text) != mention.text:
            content = replaced(content, mention.path, called[mention.text])
    facts = body(listed) | {"content_sha256": head.content_sha256}
    line = {
        "external_id": _name(row),
        "kind": row.kind,
        "checkpoint": row.checkpoint.slug if row.checkpoint else None,
        "content": content,
        "record": {name: facts[name] for name in FACTS},
    }
    return line | ({"speaks_of": spoken} if spoken else {})


def _name(row: Foothold) -> str:
    """By which an import finds it again: its id in the source it came from, or its accession."""
    return row.external_id if row.source else row.accession


def _called(some: Sequence[int], actor: Contributor | None) -> dict[str, str]:
    """How those are called that these name, by accession."""
    rows = Foothold.objects.filter(readable_footholds(actor), referred_to__foothold__in=some).distinct()
    return {row.accession: _name(row) for row in rows}


def _spoken(some: Sequence[int], actor: Contributor | None) -> dict[int, list[dict[str, str]]]:
    """Of which claims each evidence among these speaks."""
    found: dict[int, list[dict[str, str]]] = defaultdict(list)
    rows = Support.objects.filter(readable_footholds(actor, "claim__"), evidence__in=some, withdrawn_at=None)
    for it in rows.select_related("claim"):
        said = {"claim": _name(it.claim), "role": it.role, "facet": it.facet, "note": it.note}
        found[it.evidence_id].append({name: value for name, value in said.items() if value})
    return found


def _named_first(every: Sequence[int], names: Mapping[int, list[int]]) -> Iterator[int]:
    """Depth first, without recursion: each after those it names, in the order given where it names none."""
    wanted, begun, told = set(every), set[int](), set[int]()
    for first in every:
        waiting = [first]
        while waiting:
            one = waiting[-1]
            if one not in begun:
                begun.add(one)
                ahead = (it for it in names.get(one, ()) if it in wanted and it not in begun)
                waiting.extend(sorted(ahead, reverse=True))
                continue
            waiting.pop()
            if one not in told:
                told.add(one)
                yield one
