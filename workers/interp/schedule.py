"""In which order pictures climb: all at their size, or first at half of it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from workers.interp import warp
from workers.interp.ascent import Moment, Path, ascend
from workers.interp.images import Parameterisation, Spectrum
from workers.interp.slope import Climbed
from workers.interp.streams import Stream

SMALLEST = 32  # pixels of a picture that is worth beginning with half of it


def climb(
    objective: Climbed, pictures: Parameterisation, streams: Sequence[Stream], path: Path, *, coarse: bool
) -> Iterator[Moment]:
    """Every step of a path; with `coarse` the first half of them at half the size, on a quarter of the pixels.

    What is found there is repeated two by two, at the scale at which it was found: the network sees pixels, and what is
    enlarged is something else to it. The second half then has all the room. It takes pictures that are free in all of
    their spectrum, of an even size of at least SMALLEST; others climb at their size all the way.
    """
    small = pictures.coarse if coarse and isinstance(pictures, Spectrum) and pictures.size >= SMALLEST else None
    if small is None or pictures.size % 4 or path.steps < 2:
        yield from ascend(objective, pictures, streams, path)
        return
    first = path.steps // 2
    for moment in ascend(objective, small, streams, replace(path, steps=first, canvas=warp.canvas_for(small.size))):
        yield moment
        found = moment.numbers
    assert isinstance(pictures, Spectrum)
    rest = replace(path, steps=path.steps - first, taken=first)
    yield from ascend(objective, pictures, streams, rest, start=pictures.tiled(found))
