"""What the atlas promised, written down outside of it: one line of JSON each, flushed to disk."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Promises:
    """A ledger of operations and outcomes: `ok` it was acknowledged, `fail` refused, `info` nobody knows."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, operation: str, outcome: str, **facts: Any) -> None:
        """Write a line that survives whoever writes it."""
        with self.path.open("a") as file:
            file.write(json.dumps({"operation": operation, "outcome": outcome, **facts}) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Every whole line; the last one may be half of one."""
        if self.path.exists():
            for line in self.path.read_text().splitlines():
                try:
                    yield json.loads(line)
                except json.JSONDecodeError:
                    continue
