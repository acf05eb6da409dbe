"""The how-tos as programs: their Python, their commands, and the folder from which both name files."""

import re
import textwrap
from pathlib import Path

ROOT = Path(__file__).parent.parent


def run(page: str) -> tuple[dict, str]:
    """Execute a page's Python blocks one after the other; (what they defined, their source)."""
    text = (ROOT / "docs" / "how-to" / page).read_text()
    blocks = [textwrap.dedent(block) for block in re.findall(r"^ *```python\n(.*?)^ *```$", text, flags=re.M | re.S)]
    defined: dict = {"__name__": "how_to"}
    for block in blocks:
        exec(compile(block, page, "exec"), defined)
    return defined, "".join(blocks)


def commands(page: str, *, naming: str) -> list[str]:
    """A page's shell blocks in which this word occurs."""
    text = (ROOT / "docs" / "how-to" / page).read_text()
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```$", text, flags=re.M | re.S)
    return [textwrap.dedent(block) for block in blocks if naming in block]
