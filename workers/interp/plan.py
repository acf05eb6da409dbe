"""In what company a unit is computed: fixed for a device and a network, because the size of a batch changes bits."""

from dataclasses import dataclass
from typing import Any

import torch

from workers.interp import device as devices
from workers.interp.lens import Lens

TOGETHER_ON_GPU = 64  # units a pass, each with its seeds and signs: hundreds of pictures
BUSY = 4 * 10**9  # floating-point operations of a forward pass from which kernels outlast their launching


@dataclass(frozen=True, slots=True)
class Plan:
    """How many units share a pass, in which precision the network climbs, and whether steps are recorded.

    A pass that is not full is filled up with repetitions, which are thrown away. Kernels are chosen by batch size, and
    a last bit grows over hundreds of steps: bits are equal within a plan, not across plans. That is why a finding
    records its plan. On a CPU a pass holds one unit: larger ones are no faster, and MKL's products of matrices whose
    rows fill no vector register round by where a row lies, so that the place of a unit in its pass would show in the
    last bit. What a picture reached is measured in the lens's own precision, whatever it climbed in.
    """

    units: int
    device: str
    network: torch.dtype = torch.float32
    replay: bool = False

    @classmethod
    def for_(cls, lens: Lens, *, device: torch.device | str | None = None) -> "Plan":
        """The plan of a network on the device it was opened on."""
        chosen = torch.device(device or lens.device)
        if chosen.type == "cpu":
            return cls(units=1, device="cpu", network=lens.dtype)
        network = devices.quickest(chosen) if lens.dtype == torch.float32 else lens.dtype
        return cls(cls.units_for(flops=lens.checkpoint.flops, device=chosen), chosen.type, network, replay=True)

    @staticmethod
    def units_for(*, flops: int, device: torch.device | str) -> int:
        """Units a pass for a network of `flops` operations a forward pass: fewer of one that fills a GPU by itself."""
        if torch.device(device).type == "cpu":
            return 1
        return TOGETHER_ON_GPU if flops < BUSY else TOGETHER_ON_GPU // 4

    def filled(self, samples: int) -> dict[str, Any]:
        """The plan as provenance, with how many samples went through the network at once."""
        network = str(self.network).removeprefix("torch.")
        threads = torch.get_num_threads()
        return {"units": self.units, "samples": samples, "device": self.device, "network": network, "threads": threads}
