"""Batch normalisation folded into the convolution before it: a private rewrite for speed, never of the identity."""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from workers.interp.graph import Graph, Node


def fold(graph: Graph, tensors: Mapping[str, Tensor]) -> tuple[Graph, dict[str, Tensor]]:
    """The same function without the normalisations that directly follow a convolution nobody else reads.

    A folded pair becomes one convolution under the normalisation's name, which is where the layer is read. Its
    tensors are float64, so that the lens rounds them once.
    """
    nodes, folded = {node.name: node for node in graph}, dict(tensors)
    for norm in graph:
        conv = graph[norm.inputs[0]] if norm.op == "batch_norm" else norm
        if conv.op != "conv2d" or graph.consumers[conv.name] != (norm.name,):
            continue
        names = {"weight": f"{norm.name}.folded.weight", "bias": f"{norm.name}.folded.bias"}
        folded[names["weight"]], folded[names["bias"]] = _folded(conv, norm, tensors)
        nodes[norm.name] = replace(conv, name=norm.name, tensors=names)
    rewritten = Graph(nodes.values(), output=graph.output)
    return rewritten, {name: folded[name] for name in rewritten.tensors}


def _folded(conv: Node, norm: Node, tensors: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Weight [C, C_in, k, k] and bias [C] of normalisation after convolution."""
    wide = {word: tensors[name].double() for word, name in norm.tensors.items()}
    ones, zeros = torch.ones_like(wide["running_mean"]), torch.zeros_like(wide["running_mean"])
    scale = wide.get("weight", ones) / torch.sqrt(wide["running_var"] + norm.attributes["eps"])  # [C]
    before = tensors[conv.tensors["bias"]].double() if "bias" in conv.tensors else zeros
    bias = (before - wide["running_mean"]) * scale + wide.get("bias", zeros)
    return tensors[conv.tensors["weight"]].double() * scale[:, None, None, None], bias
