"""`curve-circuit` is its formulas: its script writes the shipped bytes, and its closed forms hold."""

import importlib.util
import json

import numpy as np
import pytest
import torch

from tests.interp import networks


@pytest.fixture(scope="module")
def train(organism):
    """The script, as a module."""
    spec = importlib.util.spec_from_file_location("curve_circuit_train", organism / "train.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tensors():
    """The shipped weights."""
    return networks.checkpoint("curve-circuit").tensors


def test_the_script_writes_the_shipped_weights_bit_for_bit(train, organism, tmp_path, capsys, monkeypatch):
    shipped = (organism / "weights.safetensors").read_bytes()
    (tmp_path / "card.json").write_bytes((organism / "card.json").read_bytes())
    monkeypatch.setattr(train, "HERE", tmp_path)
    train.main()
    assert (tmp_path / "weights.safetensors").read_bytes() == shipped
    assert networks.checkpoint("curve-circuit").digest in capsys.readouterr().out
    assert (organism / "weights.safetensors").read_bytes() == shipped


def test_its_accuracy_is_the_cards(train, organism):
    (figure,) = json.loads((organism / "card.json").read_text())["figures"]
    found = train.accuracy(networks.checkpoint("curve-circuit"), n=figure["n"], seed=0)
    assert found == figure["value"]
    assert train.accuracy(networks.checkpoint("curve-circuit"), n=200, seed=1) > 0.95


def test_gabors_are_grey_of_weight_one_without_dc_and_come_in_both_polarities(tensors):
    gabor = tensors["gabor.weight"].double()
    assert torch.equal(gabor[:, 0], gabor[:, 1])
    assert torch.equal(gabor[:, 0], gabor[:, 2])
    torch.testing.assert_close(gabor.abs().sum((1, 2, 3)), torch.ones(16).double(), rtol=1e-6, atol=0)
    assert float(gabor.sum((1, 2, 3)).abs().max()) < 1e-7
    assert torch.equal(gabor[8:], -gabor[:8])


def test_units_90_degrees_apart_are_the_same_numbers_turned(tensors):
    gabor = tensors["gabor.weight"].numpy()
    assert np.array_equal(gabor[4:8], np.rot90(gabor[:4], axes=(2, 3)))
    for name, step in (("line.weight", 4), ("curve.weight", 2)):
        kernels = tensors[name].numpy()
        for index in range(len(kernels) - step):
            turned = np.rot90(kernels[index], axes=(1, 2))
            groups = turned.reshape(-1, 8, *turned.shape[1:])
            assert np.array_equal(kernels[index + step], np.roll(groups, 4, axis=1).reshape(turned.shape)), name


def test_a_gabor_is_the_documented_formula(tensors):
    axis = np.arange(8) - 3.5
    x, y = np.meshgrid(axis, -axis)
    for index in range(4):
        turn = np.radians(22.5 * index)
        u, v = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
        envelope = np.exp(-(u**2) / (2 * 2.4**2) - v**2 / (2 * 1.6**2))
        plain = envelope * np.cos(2 * np.pi * v / 7)
        plain -= envelope * plain.sum() / envelope.sum()
        kernel = tensors["gabor.weight"][index].sum(0).numpy()
        np.testing.assert_allclose(kernel, plain / np.abs(plain).sum(), atol=1e-7)


def test_a_curves_bias_is_half_of_its_answer_to_the_ideal_curve(circuit, train):
    look = circuit.truncated("curve", site="pre_relu")
    for index in range(8):
        ideal = torch.from_numpy(train.draw(45.0 * index))[None]
        peak = float(look(ideal)[0, index].max())
        assert peak == pytest.approx(-float(circuit.checkpoint.tensors["curve.bias"][index]), rel=0.05)
