"""Writes the reference pages that are said once, in code: problems, probes, permissions, contents, rules, networks."""

import inspect
import json
import re
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

import atlas.errors
import workers.interp.errors
import workers.registration
import workers.worlds
from atlas.contents import CONTENTS
from atlas.permissions import RULES
from atlas.services import rules as numbered
from atlas.validation import SEEN
from workers import survey
from workers.interp.probes import PROBES

PROBLEMS = """# Problems

Every refusal has a name that never changes. Over HTTP it is the `type` of an `application/problem+json` body,
`/problems/<name>`, and its facts are members of that body; a failed job carries the same name and facts. *Yours* is
shown and never retried; *ours* is logged, retried and counted. Words in braces are facts. Written by `make reference`.
"""
QUESTIONS = """# Probes

What can be asked about a subject. The parameters are those of the JSON Schema that the workers publish: the API
validates against it, and the page makes its form from it. Written by `make reference`.
"""
PERMISSIONS = """# Permissions

Who may do what, as `atlas/permissions.py` declares it: pages, API and commands ask the same map. Roles in a team, each
including those before it: reader, annotator, reviewer, curator, admin. Everybody is admin of their own personal space.
A token needs the scope besides, and never reaches further than its owner; *sign in* means that no token is enough.
What somebody may not read is not there for them: 404, not 403. `tests/api/test_matrix.py` holds every method of every
address against ten kinds of people. Written by `make reference`.
"""
SAYINGS = """# Contents

What a foothold says, by its kind: the member `content` of `POST /api/v1/footholds`, and of its versions. Of members in
brackets there are several. What never changes would, changed, make it another claim.
Units are written `layer:channel`. Written by `make reference`.
"""
NUMBERED = """# Rules

What can be recorded. An *error* keeps a claim out: 422, with the rule's number as `code` and a pointer. A *warning*
stands beside the claim, as `warnings`, for all to see. They run whenever something is saved, on the page, and every
night (`manage.py check_rules`). A number is never used for anything else. Written by `make reference`.
"""
LIMITS = {"minimum": "≥", "maximum": "≤", "enum": "one of", "minItems": "at least", "maxItems": "at most"}


BOUNDS = LIMITS | {"minLength": "characters ≥", "maxLength": "characters ≤", "pattern": "written as"}


class Command(BaseCommand):
    """Write the pages, or say which are not what the code says."""

    help = "Write docs/reference/{problems,probes,permissions,contents,rules,architectures}.md from the code."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whether only to look."""
        parser.add_argument("--check", action="store_true", help="write nothing; fail when a page is out of date")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        """Compare and write."""
        folder = Path(settings.BASE_DIR) / "docs" / "reference"
        networks = folder / "architectures.md"
        pages = {
            folder / "problems.md": problems(),
            folder / "probes.md": probes(),
            folder / "permissions.md": permissions(),
            folder / "contents.md": contents(),
            folder / "rules.md": rules(),
            networks: survey.page(standing=networks.read_text() if check and networks.exists() else ""),
        }
        stale = {path: text for path, text in pages.items() if not path.exists() or path.read_text() != text}
        if check and stale:
            names = ", ".join(path.name for path in stale)
            raise CommandError(f"{names}: not what the code says any more; write anew with: make reference")
        for path, text in stale.items():
            path.write_text(text)
            self.stdout.write(f"wrote docs/reference/{path.name}")


def problems() -> str:
    """Every error of the record and of the science, by name."""
    record = table(atlas.errors.AtlasError)
    science = table(workers.interp.errors.InterpError)
    return f"{PROBLEMS}\n## Of the record\n\n{record}\n## Of the science\n\n{science}"


def table(family: Any) -> str:
    """One family of errors: name, whose fault, HTTP status where there is one, message."""
    rows = sorted(
        f"| `{slug(error)}` | {error.fault} | {getattr(error, 'status', '')} | {cell(inspect.getdoc(error) or '')} |\n"
        for error in descendants(family)
    )
    return "| name | whose | status | says |\n|---|---|---|---|\n" + "".join(rows)


def slug(error: type[Exception]) -> str:
    """`NoSuchUnit` is `no-such-unit`, in both families."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", error.__name__).lower()


def descendants(family: Any) -> set[Any]:
    """Every error below a family's root."""
    below = set(family.__subclasses__())
    return below.union(*(descendants(error) for error in below))


def permissions() -> str:
    """Every verb: the scope a token needs for it, and what a person needs."""
    rows = (f"| `{verb}` | {rule.scope or 'sign in'} | {rule.needs} |\n" for verb, rule in sorted(RULES.items()))
    return f"{PERMISSIONS}\n| verb | scope | needs |\n|---|---|---|\n{''.join(rows)}"


def rules() -> str:
    """Every numbered rule."""
    rows = (f"| {it.code} | {it.severity} | {', '.join(it.kinds)} | {it.says} |\n" for it in numbered.RULES)
    return f"{NUMBERED}\n| rule | severity | about | says |\n|---|---|---|---|\n{''.join(rows)}"


def contents() -> str:
    """Every kind of foothold with the members of its content."""
    return SAYINGS + "".join(f"\n{kind(it)}" for it in CONTENTS.values())


def kind(content: Any) -> str:
    """One kind: what it says, and what of it never changes."""
    fixed = ", ".join(f"`{name}`" for name in content.fixed) or "nothing"
    rows = "".join(f"{row}\n" for row in members(content.schema, within=""))
    said = f"{content.schema['description']} Its accession begins with {content.letter}. Never changes: {fixed}."
    return f"## {content.kind}\n\n{said}\n\n| member | default | means |\n|---|---|---|\n{rows}"


def members(schema: dict[str, Any], *, within: str) -> Iterator[str]:
    """A row for every member of an object, and of the objects within it."""
    for name, said in schema.get("properties", {}).items():
        rule = next((it for it in said.get("anyOf", ()) if it.get("type") != "null"), said)
        place = f"{within}{name}{'[]' if 'items' in rule else ''}"
        words = " ".join(dict.fromkeys(it["description"] for it in (said, rule) if "description" in it))
        limits = "; ".join(f"{word} {json.dumps(rule[key])}" for key, word in BOUNDS.items() if bounds(rule, key))
        unless = "required" if name in schema.get("required", ()) else "optional"
        default = f"`{json.dumps(said['default'])}`" if "default" in said else unless
        meaning = cell(f"{words} ({limits})" if limits else words).strip()
        yield f"| `{place}` | {default} | {meaning} |"
        yield from members(rule.get("items", rule), within=f"{place}.")


def bounds(rule: dict[str, Any], key: str) -> bool:
    """Whether a limit is one: no text and no list is shorter than nothing, and blanks alone are nothing to be read."""
    empty = key in ("minLength", "minItems") and rule.get(key) == 0
    return key in rule and not empty and rule[key] != SEEN


def probes() -> str:
    """Every probe with its parameters."""
    return QUESTIONS + "".join(f"\n{section(probe)}" for probe in PROBES.values())


def section(probe: Any) -> str:
    """One probe: what it computes, what it takes, and the smallest honest question."""
    rows = (parameter(name, schema) for name, schema in probe.schema["properties"].items())
    lines = (
        f"## `{probe.name}`, version {probe.version}\n",
        f"{probe.summary}\n",
        f"{inspect.cleandoc(probe.description)}\n",
        f"Takes: {', '.join(probe.subjects)}. Reads `{probe.site}` unless asked otherwise.",
        f"The smallest honest parameters: `{json.dumps(probe.example, sort_keys=True)}`.\n",
        "| parameter | default | means |\n|---|---|---|",
        *rows,
    )
    return "\n".join(lines) + "\n"


def parameter(name: str, schema: dict[str, Any]) -> str:
    """One row: name, default, meaning and limits."""
    default = json.dumps(schema["default"]) if "default" in schema else "none"
    limits = "; ".join(f"{word} {json.dumps(schema[key])}" for key, word in LIMITS.items() if key in schema)
    meaning = cell(schema.get("description", "")) + (f" ({limits})" if limits else "")
    return f"| `{name}` | `{default}` | {meaning} |"


def cell(text: str) -> str:
    """The first paragraph, as one cell of a table."""
    return " ".join(text.partition("\n\n")[0].split()).replace("|", "\\|")
