"""In what company a unit is computed: fixed for a device and a network, because the size of a batch changes bits."""

from dataclasses import dataclass
from typing import Any

import torch

from workers.interp.lens import Lens

TOGETHER_ON_GPU = 32  # units a pass, each with its seeds and signs


@dataclass(frozen=True, slots=True)
class Plan:
    """How many units share a pass. A pass that is not full is filled up with repetitions, which are thrown away.

    Kernels are chosen by batch size, and a last bit grows over hundreds of steps: bits are equal within a plan, not
    across plans. That is why a finding records its plan. On a CPU a pass holds one unit: larger ones are no faster, and
    MKL's products of matrices whose rows fill no vector register round by where a row lies, so that the place of a unit
    in its pass would show in the last bit.
    """

    units: int
    device: str

    @classmethod
    def for_(cls, lens: Lens, *, device: torch.device | str | None = None) -> "Plan":
        """The plan of a network on the device it was opened on."""
        chosen = torch.device(device or lens.device)
        return cls(units=cls.units_for(flops=lens.checkpoint.flops, device=chosen), device=chosen.type)

    @staticmethod
    def units_for(*, flops: int, device: torch.device | str) -> int:
        """Units a pass for a network of `flops` operations a forward pass."""
        return 1 if torch.device(device).type == "cpu" else TOGETHER_ON_GPU

    def filled(self, samples: int) -> dict[str, Any]:
        """The plan as provenance, with how many samples went through the network at once."""
        return {"units": self.units, "samples": samples, "device": self.device, "threads": torch.get_num_threads()}
