"""The one way to torchvision, whose CUDA build cannot load its operators beside a CPU torch, and then will not import.

On a machine without a GPU `pip install torch torchvision` pairs a CPU torch with a torchvision whose compiled operators
need CUDA libraries. Its import then stops at `torch.library.register_fake("torchvision::nms")`: an operator nobody has
declared. Nothing here uses these operators, so declaring their schemas is enough. It must happen only *after* finding
that torchvision's own library does not load: where it does, a second declaration aborts the process.
"""

import importlib.util
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, FileFinder
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


@cache
def ensure() -> bool:
    """Make `import torchvision` possible; whether its own compiled operators work here (doctor reports it)."""
    if _loads():
        return True
    _declared()
    return False


@cache
def torchvision() -> Any:
    """The module torchvision, importable whatever it was built for."""
    ensure()
    module: ModuleType = importlib.import_module("torchvision")
    return module


def _loads() -> bool:
    """Whether torchvision's compiled library loads, tried exactly as torchvision tries it."""
    library = _library()
    if library is None:
        return False
    try:
        torch.ops.load_library(library)  # type: ignore[no-untyped-call]
    except (ImportError, OSError):
        return False
    return True


def _library() -> str | None:
    """The path of torchvision's compiled library, found without importing torchvision."""
    package = importlib.util.find_spec("torchvision")
    if package is None or package.origin is None:
        return None
    finder = FileFinder(str(Path(package.origin).parent), (ExtensionFileLoader, EXTENSION_SUFFIXES))
    found = finder.find_spec("_C")
    return found.origin if found else None


@cache
def _declared() -> torch.library.Library:
    """The missing schemas; kept, because they vanish with the object that declared them."""
    library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for schema in SCHEMAS:
        library.define(schema)  # type: ignore[no-untyped-call]
    return library
