"""The child that reads a pickle of tensors, limited like the one that examines, and leaves them as safetensors.

Run as `python -m workers.unpickling FILE OUT`, for files that torchvision publishes and nothing else: no upload is ever
read by it. torch's reader is told to build tensors only, which by itself would be no wall; the limits are.
"""

import json
import pickle
import re
import sys
from pathlib import Path
from typing import Any

from workers.examination import attend, limit, say

# DenseNet was published when a dense layer's parts were numbered apart: `norm.1` is `norm1` today.
NUMBERED = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.([12]\.)")
# What torch's reader raises for a file that it cannot or will not read.
UNREADABLE = (pickle.UnpicklingError, RuntimeError, ValueError, KeyError, EOFError)


def tensors(file: Path) -> dict[str, Any]:
    """The tensors of a state dict, under today's names; raises one of UNREADABLE for anything else."""
    import torch

    state = torch.load(file, map_location="cpu", weights_only=True)
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise ValueError("it is no state dict of tensors")
    return {NUMBERED.sub(r"\1\2", str(name)): tensor for name, tensor in state.items()}


def main(file: str, out: str) -> int:
    """Rewrite the file as `weights.safetensors` in `out`, or leave a refusal there."""
    attend()
    limit(Path(file).stat().st_size)
    from workers.interp import weights

    try:
        found = tensors(Path(file))
        say(f"{len(found)} tensors are read")
        weights.save(Path(out) / "weights.safetensors", found)
    except UNREADABLE as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        (Path(out) / "refusal.json").write_text(json.dumps({"slug": "checkpoint-pickle-refused", "detail": reason}))
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:3]))
