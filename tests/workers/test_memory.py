"""A process that computes gets from the system no block twice."""

import os
import platform
import subprocess
import sys

import pytest

ROUNDS, BLOCK = 20, 2**26
SCRIPT = f"""
import resource, sys
import numpy as np
from workers import memory

kept = memory.keep() if "keep" in sys.argv else None
np.ones({BLOCK}, np.uint8)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range({ROUNDS}):
    np.ones({BLOCK}, np.uint8)
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(*how: str, **environment: str) -> tuple[str, int]:
    """What `keep` answered in a process of its own, and the pages that its blocks were given afterwards."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    command = [sys.executable, "-c", SCRIPT, *how]
    told = subprocess.run(command, env=inherited | environment, capture_output=True, text=True, check=True)
    answered, pages = told.stdout.split()
    return answered, int(pages)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc that is told")
def test_a_block_that_was_freed_is_used_again():
    answered, pages = faults("keep")
    assert answered == "True"
    assert pages < ROUNDS < faults()[1]


def test_what_the_environment_sets_up_is_left_alone():
    assert faults("keep", MALLOC_ARENA_MAX="2")[0] == "False"
    assert faults("keep", GLIBC_TUNABLES="glibc.malloc.arena_max=2")[0] == "False"
