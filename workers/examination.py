"""The child that opens somebody's weights file: limited in memory, time and what it may write, and told nothing else.

Run as `python -m workers.examination WEIGHTS ARCHITECTURE CARD OUT`. It judges the header before the library sees the
file, then loads, identifies and listens to the checkpoint, and leaves in OUT either `facts.json` with the canonical
`weights.safetensors`, or `refusal.json`. Progress goes to standard output, a line a step.
"""

import json
import os
import resource
import sys
import threading
from pathlib import Path
from typing import Any

MEMORY = 6 << 30  # bytes of address space beside the file's own: torch alone maps some gigabytes
SECONDS = 300  # of processor time
STEPS = 4  # lines said of a file with which nothing is wrong


def limit(size: int) -> None:
    """Bound what this process may use; a file that wants more kills the child, never the service."""
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY + 6 * size,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + (64 << 20),) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def say(step: str) -> None:
    """One line of progress."""
    sys.stdout.write(step + "\n")
    sys.stdout.flush()


def examine(weights: Path, *, architecture: str, card: dict[str, Any], out: Path) -> dict[str, Any]:
    """What the file is, as the record stores it; raises InterpError by the name of what is wrong with it."""
    from workers.interp import header

    header.inspect(weights)  # pure Python: a hostile header is refused before torch is even imported
    say("the header is in order")

    from workers.interp import architectures, responses
    from workers.interp import weights as files
    from workers.interp.checkpoint import Checkpoint, InputSpec
    from workers.interp.lens import Lens

    input_spec = InputSpec.from_json(card["input"])
    found = architectures.find(architecture)
    say(f"the architecture is {architecture}")
    tensors = files.load(weights, expected=found.shapes(architecture), spare=found.spare(architecture))
    checkpoint = Checkpoint(
        architecture=architecture,
        graph=found.graph(architecture),
        tensors=tensors,
        input_spec=input_spec,
        task=card["task"],
    ).named(architectures.aliases(architecture))
    say(f"the weights are {checkpoint.weights_sha256}")
    recorded = responses.record(Lens(checkpoint))
    say("the responses are recorded")
    files.save(out / "weights.safetensors", checkpoint.tensors)
    return describe(checkpoint, responses=recorded)


def describe(checkpoint: Any, *, responses: dict[str, Any]) -> dict[str, Any]:
    """A checkpoint's facts as JSON."""
    return {
        "architecture": checkpoint.architecture,
        "digest": checkpoint.digest,
        "weights_sha256": checkpoint.weights_sha256,
        "graph_sha256": checkpoint.graph_sha256,
        "graph": checkpoint.graph.to_json(),
        "input_spec": checkpoint.input_spec.to_json(),
        "response_check": responses,
        "flops": checkpoint.flops,
        "parameters": sum(tensor.numel() for tensor in checkpoint.tensors.values()),
        "layers": [
            {
                "key": layer.key,
                "kind": layer.kind,
                "channels": layer.channels,
                "stride": layer.stride,
                "receptive_field": layer.receptive_field,
                "positions": layer.positions,
                "sites": layer.sites,
            }
            for layer in checkpoint.layers.values()
        ],
        "aliases": [
            {"name": branch.name, "layer": branch.layer, "start": branch.start, "stop": branch.stop}
            for branch in checkpoint.branches.values()
        ],
    }


def attend() -> None:
    """End with whoever started us: the other end of our standard input closes with them, however they die."""
    threading.Thread(target=_wait_for_the_end, daemon=True).start()


def _wait_for_the_end() -> None:
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


def main(weights: str, architecture: str, card: str, out: str) -> int:
    """Examine and leave the verdict in `out`."""
    attend()
    limit(Path(weights).stat().st_size)
    from workers.interp.errors import InterpError

    folder = Path(out)
    try:
        facts = examine(Path(weights), architecture=architecture, card=json.loads(Path(card).read_text()), out=folder)
    except InterpError as error:
        refusal = {"slug": error.slug, "detail": str(error), "facts": error.facts, "fault": error.fault}
        (folder / "refusal.json").write_text(json.dumps(refusal))
        return 1
    (folder / "facts.json").write_text(json.dumps(facts))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:5]))
