"""Random numbers that belong to a question, never to a batch: the same unit draws the same ones in any company."""

from dataclasses import dataclass

import numpy as np

from workers.interp import canonical


@dataclass(frozen=True, slots=True)
class Stream:
    """The random numbers of one picture: keyed by what is asked, counted by step.

    A counter-based generator (Philox; Salmon et al. 2011) needs no state between steps: step 300 can be drawn without
    the 299 before it, and nobody else's draws can shift it.
    """

    key: int

    @classmethod
    def of(cls, *, checkpoint: str, subject: str, objective: str, seed: int) -> "Stream":
        """The stream of one seed of one objective on one subject of one checkpoint (its digest)."""
        asked = {"checkpoint": checkpoint, "objective": objective, "seed": seed, "subject": subject}
        return cls(int(canonical.sha256(asked)[:32], 16))

    def at(self, step: int) -> np.random.Generator:
        """The generator of one step. Step 0 draws the start, step s ≥ 1 the transforms before the s-th update."""
        # The step is the counter's highest word: 2^192 numbers a step, so steps never overlap.
        return np.random.Generator(np.random.Philox(key=self.key, counter=[0, 0, 0, step]))
