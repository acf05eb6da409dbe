"""How far a picture that was made for a neuron goes beyond pictures that it was shown: achieved ÷ dataset maximum."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from atlas.dossiers.recordings import StatisticsFacts


@dataclass(frozen=True, slots=True)
class AchievedFacts:
    """A picture that excites a neuron, and the strongest of a dataset; `ratio` is null where that is not above 0."""

    job: str  # fingerprint
    seed: int | None
    reached: float
    dataset: str  # digest
    title: str
    items: int
    maximum: float
    ratio: float | None

    @property
    def beats(self) -> bool:
        """Whether it goes beyond every picture of the dataset."""
        return self.reached > self.maximum


def achieved(found: Mapping[str, Mapping[str, Any]], told: Sequence[StatisticsFacts]) -> tuple[AchievedFacts, ...]:
    """Of every picture that excites the neuron, against the newest recording that was read where it was measured.

    `found` are the numbers of its findings by fingerprint. Behind a ReLU a positive maximum is what it was before.
    """
    return tuple(one for job, numbers in found.items() for one in _of_job(job, numbers.get("pictures", ()), told))


def _of_job(
    job: str, pictures: Sequence[Mapping[str, Any]], told: Sequence[StatisticsFacts]
) -> Iterator[AchievedFacts]:
    for picture in pictures:
        if picture.get("polarity") != "positive" or picture.get("maximum") is None:
            continue
        usual = next((one for one in told if one.site == picture.get("site") or one.rectified), None)
        if usual is None:
            return
        reached = picture["maximum"]
        ratio = reached / usual.maximum if usual.maximum > 0 else None
        yield AchievedFacts(
            job=job,
            seed=picture.get("seed"),
            reached=reached,
            dataset=usual.dataset,
            title=usual.title,
            items=usual.items,
            maximum=usual.maximum,
            ratio=ratio,
        )
