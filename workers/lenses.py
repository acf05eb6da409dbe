"""The models resident on this device: opened once, checked by their responses, forgotten by least recent use."""

import logging
from collections import OrderedDict
from collections.abc import Mapping

import torch

from atlas.models import Checkpoint as CheckpointRow
from atlas.models import Job, Worker
from atlas.services import artifacts
from atlas.services import workers as presence
from workers import translate
from workers.interp import responses, weights
from workers.interp.checkpoint import Checkpoint
from workers.interp.errors import InterpError
from workers.interp.lens import Lens
from workers.interp.plan import Plan

log = logging.getLogger(__name__)
BUDGET = 2 << 30  # bytes of weights kept resident


def device_of(setting: str) -> torch.device:
    """The device of the setting; `auto` is a GPU where there is one."""
    if setting == "auto":
        setting = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(setting)


class Lenses:
    """Checkpoints opened on one device."""

    def __init__(self, worker: Worker, *, device: torch.device, budget: int = BUDGET) -> None:
        self.worker = worker
        self.device = device
        self.budget = budget
        self._open: OrderedDict[str, Lens] = OrderedDict()
        self._rooms: dict[tuple[int, str], int] = {}  # by probe and checkpoint, once more has been too much

    def lens(self, row: CheckpointRow) -> Lens:
        """The checkpoint's lens; raises InterpError when this worker does not reproduce its responses."""
        digest = str(row.digest)
        if digest not in self._open:
            self._open[digest] = self._opened(row)
            self._make_room()
        self._open.move_to_end(digest)
        return self._open[digest]

    def room(self, job: Job) -> int:
        """How many questions one forward pass of this checkpoint answers together on this device."""
        # A draft has no forward pass yet: its one question is about a file.
        if job.checkpoint.flops is None:
            return 1
        planned = Plan.units_for(flops=job.checkpoint.flops, device=self.device)
        return min(planned, self._rooms.get(_pair(job), planned))

    def halve(self, job: Job, together: int) -> None:
        """From now on half as many questions like this go together; `together` were too many."""
        self._rooms[_pair(job)] = max(1, together // 2)

    def _opened(self, row: CheckpointRow) -> Lens:
        try:
            checkpoint = load(row)
            lens = Lens(checkpoint, device=self.device)
            responses.verify(lens, row.response_check or {})
        except InterpError as error:
            log.error("%s refuses %s: %s", self.worker, row.slug, error)
            presence.report(self.worker, row, passed=False, detail=str(error), **error.facts)
            raise
        presence.report(self.worker, row, passed=True)
        return lens

    def _make_room(self) -> None:
        while len(self._open) > 1 and sum(map(_bytes, self._open.values())) > self.budget:
            self._open.popitem(last=False)


def _pair(job: Job) -> tuple[int, str]:
    return job.probe_id, str(job.checkpoint.digest)


def load(row: CheckpointRow) -> Checkpoint:
    """The checkpoint of a row, from the record alone: graph, input convention and the canonical weights."""
    assert row.weights is not None  # of drafts nothing is asked that takes a lens
    with artifacts.on_disk(row.weights) as file:
        tensors: Mapping[str, torch.Tensor] = weights.load(file)
    return translate.checkpoint(row, tensors)


def _bytes(lens: Lens) -> int:
    return sum(tensor.nbytes for tensor in lens.checkpoint.tensors.values())
