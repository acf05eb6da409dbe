"""LeNet-5 (LeCun et al. 1998) as it is trained today: rectified, maxima for averages, on grey digits of 32 pixels."""

from collections.abc import Iterator, Mapping

from workers.interp.graph import Graph, Node

name = "lenet"

PIXELS = 32
CONVOLUTIONS = {"convnet.c1": (6, 1, 5, 5), "convnet.c3": (16, 6, 5, 5), "convnet.c5": (120, 16, 5, 5)}
LINEAR = {"fc.f6": (84, 120), "fc.f7": (10, 84)}


def names() -> tuple[str, ...]:
    """The one network of this family."""
    return ("lenet5",)


def side(_: str) -> int:
    """Digits of 28 pixels, enlarged."""
    return PIXELS


def graph(_: str) -> Graph:
    """Three convolutions with a pooling after each of the first two, and two linear maps."""
    return Graph(_nodes(), output="fc.f7")


def shapes(_: str) -> Mapping[str, tuple[int, ...]]:
    """The shape of every tensor."""
    weights = {**CONVOLUTIONS, **LINEAR}
    return {f"{key}.weight": shape for key, shape in weights.items()} | {
        f"{key}.bias": shape[:1] for key, shape in weights.items()
    }


def spare(_: str) -> frozenset[str]:
    """Nothing: every tensor of the file runs."""
    return frozenset()


def aliases(_: str) -> Mapping[str, str]:
    """The paper's names."""
    return {key.rpartition(".")[2]: key for key in (*CONVOLUTIONS, *LINEAR)}


def _nodes() -> Iterator[Node]:
    """The whole network, in the order in which it is computed."""
    yield Node("input", "input")
    value = "input"
    for key, pool in zip(CONVOLUTIONS, ("s2", "s4", None), strict=True):
        yield Node(key, "conv2d", (value,), tensors=_tensors(key))
        yield Node(f"{key}.relu", "relu", (key,))
        value = f"{key}.relu"
        if pool:
            yield Node(pool, "max_pool", (value,), {"kernel_size": 2, "stride": 2})
            value = pool
    yield Node("flat", "flatten", (value,))
    yield Node("fc.f6", "linear", ("flat",), tensors=_tensors("fc.f6"))
    yield Node("fc.f6.relu", "relu", ("fc.f6",))
    yield Node("fc.f7", "linear", ("fc.f6.relu",), tensors=_tensors("fc.f7"))


def _tensors(key: str) -> dict[str, str]:
    return {word: f"{key}.{word}" for word in ("weight", "bias")}
