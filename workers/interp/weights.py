"""Tensors from safetensors files and nothing else: judged by their header, fitted to an architecture, digested."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from workers.interp.canonical import encode
from workers.interp.errors import CheckpointArchitecture, CheckpointHeader, CheckpointNonfinite
from workers.interp.header import Header, inspect

__all__ = ["digest", "inspect", "load", "save"]

Shape = tuple[int, ...]
FLOATS = {"F16", "BF16", "F32", "F64"}
MOST_NAMED = 20  # tensors that a refusal lists


def load(
    path: Path | str, *, expected: Mapping[str, Shape] | None = None, spare: Iterable[str] = ()
) -> dict[str, Tensor]:
    """The tensors of a file by name, on the CPU, in memory of their own.

    With `expected` the header must list exactly these shapes before a tensor is built; tensors named in `spare`, which
    the architecture knows but never runs, are left out. Raises RefusedWeights by the name of what is wrong.
    """
    header = inspect(path)
    names = sorted(set(header.tensors) - set(spare)) if expected is not None else sorted(header.tensors)
    if expected is not None:
        _require_fit(header, names, expected)
    try:
        with safe_open(str(path), framework="pt", device="cpu") as file:
            # A copy, because the library's tensors are the mapped file: they would change, or vanish, with it.
            tensors = {name: file.get_tensor(name).clone() for name in names}
    except SafetensorError as error:
        raise CheckpointHeader(reason=f"the library refuses it ({error})") from None
    _require_finite(tensors)
    return tensors


def save(path: Path | str, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors as a safetensors file without metadata: equal tensors make equal files."""
    save_file({name: tensors[name].detach().cpu().contiguous() for name in sorted(tensors)}, str(path))


def digest(tensors: Mapping[str, Tensor]) -> str:
    """Hex SHA-256 over name, dtype, shape and little-endian bytes of every tensor, sorted by name.

    The order and the container of a file make no difference; one flipped bit does.
    """
    hashed = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        dtype = str(tensor.dtype).removeprefix("torch.")
        hashed.update(encode([name, dtype, list(tensor.shape)]))
        # Tensors of one number have no dimension to view as bytes. Torch runs on little-endian machines only.
        hashed.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return hashed.hexdigest()


def _require_fit(header: Header, names: list[str], expected: Mapping[str, Shape]) -> None:
    missing = sorted(set(expected) - set(names))
    unknown = sorted(set(names) - set(expected))
    both = [name for name in names if name in expected]
    wrong = [name for name in both if header.tensors[name].shape != tuple(expected[name])]
    integers = [name for name in both if header.tensors[name].dtype not in FLOATS]
    kinds = {"missing": missing, "unknown": unknown, "of another shape": wrong, "not of a float type": integers}
    found = {kind: listed[:MOST_NAMED] for kind, listed in kinds.items() if listed}
    if found:
        reason = "; ".join(f"{len(kinds[kind])} {kind}, such as {listed[0]}" for kind, listed in found.items())
        raise CheckpointArchitecture(reason=reason, **{kind.replace(" ", "_"): names for kind, names in found.items()})


def _require_finite(tensors: Mapping[str, Tensor]) -> None:
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise CheckpointNonfinite(name=name)
