"""torchvision can be imported whether or not its compiled operators load here; each way in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILDS = "assert sum(p.numel() for p in vision.torchvision().models.squeezenet1_1().parameters()) == 1235496"
# A library that is not there stands for one that does not load; one that loads and declares its operators itself, for
# one that does: whatever torchvision is installed here, both ways are walked.
WAYS = {
    "as it is": f"vision.ensure(); {BUILDS}",
    "twice": f"assert vision.ensure() == vision.ensure(); {BUILDS}",
    "no library": "vision._library = lambda: None\nassert vision.ensure() is False",
    "a library that does not load": (
        "import pathlib, tempfile\n"
        "path = pathlib.Path(tempfile.mkdtemp()) / '_C.so'\n"
        "path.write_bytes(b'this is no library')\n"
        "vision._library = lambda: str(path)\n"
        "assert vision.ensure() is False\n"
        "assert torch._C._dispatch_has_kernel_for_dispatch_key('torchvision::nms', 'CPU') is False"
    ),
    "a library that loads": (
        "vision._library = lambda: 'it'\n"
        "torch.ops.load_library = lambda path: None\n"
        "vision._declared = lambda: (_ for _ in ()).throw(AssertionError('declared a second time'))\n"
        "assert vision.ensure() is True"
    ),
}


@pytest.mark.parametrize("statement", WAYS.values(), ids=list(WAYS))
def test_the_way_to_torchvision(statement):
    command = [sys.executable, "-c", f"import torch\nfrom workers.interp import vision\n{statement}"]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
