"""What the characters of the demo say of `curve-circuit` is so: every orientation, sign and number, measured anew."""

import json
import re

import numpy as np
import pytest
import torch

from tests.interp import networks
from tests.interp.test_organism import tensors, train  # noqa: F401 - fixtures

STORY = json.loads((networks.ORGANISM / "story.json").read_text())
CLAIMS = {act["as"]: act["content"] for act in STORY["acts"] if act["does"] == "claim"}
DESCRIPTIONS = {name: content for name, content in CLAIMS.items() if "neuron" in content}
LINKS = {name: content for name, content in CLAIMS.items() if "relation" in content}
WITHDRAWN = {act["of"] for act in STORY["acts"] if act["does"] == "withdraw"}
MIDDLE = slice(12, 20)  # positions in the middle of a map of 32
OFFSETS = (0.0, 0.5, 1.0, 1.5)  # pixels: a filter of stride 2 has its middle somewhere in between


def bar(angle: float, *, offset: float = 0.0, contrast: float = 1.0, size: int = 64, finer: int = 4) -> np.ndarray:
    """A straight line of 2 px through the whole picture, on grey."""
    axis = (np.arange(size * finer) + 0.5) / finer - size / 2
    x, y = np.meshgrid(axis, -axis)
    turn = np.radians(angle)
    across = y * np.cos(turn) - x * np.sin(turn) - offset
    inside = (np.abs(across) <= 1).reshape(size, finer, size, finer).mean((1, 3))
    return np.repeat(0.5 + 0.5 * contrast * inside[None], 3, axis=0).astype(np.float32)


def answers(circuit, unit: str, pictures: list[np.ndarray], *, site: str = "pre_relu") -> np.ndarray:  # [N, 32, 32]
    """A unit's map for each picture."""
    layer, _, channel = unit.partition(":")
    with torch.no_grad():
        found = circuit.truncated(layer, site=site)(torch.from_numpy(np.stack(pictures)))
    return found[:, int(channel)].numpy()


def to_lines(circuit, unit: str, angles: np.ndarray, *, contrast: float = 1.0) -> np.ndarray:
    """A unit's strongest answer in the middle of the picture to a line at each angle."""
    shown = [bar(angle, offset=offset, contrast=contrast) for angle in angles for offset in OFFSETS]
    found = answers(circuit, unit, shown)[:, MIDDLE, MIDDLE].max((1, 2))
    return found.reshape(len(angles), len(OFFSETS)).max(1)


def preferred(circuit, train, unit: str) -> tuple[float, float]:  # noqa: F811
    """(the orientation a unit answers to most, after how many degrees it begins again), in steps of 5° or 2.5°."""
    if unit.startswith("curve"):
        angles = np.arange(0, 360, 5.0)
        found = answers(circuit, unit, [train.draw(angle) for angle in angles]).max((1, 2))
        return angles[found.argmax()], 360
    angles = np.arange(0, 180, 2.5)
    return angles[to_lines(circuit, unit, angles).argmax()], 180


def expanded(tensors, source: str, target: str) -> np.ndarray:  # noqa: F811
    """The weights from one unit to another: of its kernel, or through all lines with their ReLUs taken as open."""
    (layer, channel), (into, place) = (unit.split(":") for unit in (source, target))
    kernels = {name: tensors[f"{name}.weight"].double().numpy() for name in ("line", "curve")}
    if {"line": "gabor", "curve": "line"}[into] == layer:
        return kernels[into][int(place), int(channel)]
    found = np.zeros((13, 13))
    for line in range(8):
        for row, column in np.ndindex(9, 9):
            weight = kernels["curve"][int(place), line, row, column]
            found[row : row + 5, column : column + 5] += weight * kernels["line"][line, int(channel)]
    return found


def prose(name: str) -> str:
    """All that is said of a claim, in one text."""
    return json.dumps([act for act in STORY["acts"] if name in (act.get("as"), act.get("of"), *act.get("of", ()))])


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_the_orientation_said_is_the_one_measured(name, circuit, train):  # noqa: F811
    """Within the tolerance that is said; and what was withdrawn as wrong is."""
    content = DESCRIPTIONS[name]
    [said] = [it for it in content["parameters"] if it["name"] == "orientation"]
    measured, period = preferred(circuit, train, content["neuron"])
    off = abs((measured - said["value"] + period / 2) % period - period / 2)
    assert (off <= said["tolerance"]) == (name not in WITHDRAWN), (measured, said)


@pytest.mark.parametrize("name", LINKS)
def test_the_sign_said_is_the_one_of_the_weights(name, tensors):  # noqa: F811
    """Plus or minus where all weights agree, else mixed; with their number, their sum and their bounds as said."""
    content = LINKS[name]
    found = expanded(tensors, content["source"], content["target"])
    assert content["sign"] == ("+" if found.min() > 0 else "-" if found.max() < 0 else "mixed")
    says = content["mechanism"]
    assert str(found.size) in says
    [total] = re.findall(r"sum to (-?[\d.]+\d)", says)
    assert float(total) == pytest.approx(found.sum(), abs=0.006)
    for least, most in re.findall(r"between (-?[\d.]+) and ([\d.]+\d)", says):
        assert (float(least), float(most)) == pytest.approx((found.min(), found.max()), abs=0.006)
    if "in the middle" in says:
        assert found[found.shape[0] // 2, found.shape[1] // 2] > 0


def test_light_and_dark_lines_are_the_two_senses_of_a_line(circuit):
    """Equal answers, half each; and as broad as the later version says."""
    angles = np.arange(0, 180, 2.0)
    light, dark = (to_lines(circuit, "line:2", angles, contrast=contrast) for contrast in (1, -1))
    np.testing.assert_allclose(light, dark, atol=1e-6)
    senses = CLAIMS["slanted"]["senses"]
    assert [it["share"] for it in senses] == [0.5, 0.5]
    [act] = [act for act in STORY["acts"] if act["does"] == "revise"]
    [width] = [it for it in act["content"]["parameters"] if it["name"].startswith("half width")]
    above = angles[light > light.max() / 2]
    assert (above[-1] - above[0]) / 2 == pytest.approx(width["value"], abs=width["tolerance"])


def test_a_gabor_answers_to_a_dark_line_on_its_flank_by_as_much_as_is_said(circuit):
    light, dark = (to_lines(circuit, "gabor:0", np.arange(-90.0, 90, 2.5), contrast=it).max() for it in (1, -1))
    assert f"{dark / light:.0%}".replace("%", " %") in prose("light")
    in_place = answers(circuit, "gabor:0", [bar(0, offset=offset, contrast=-1) for offset in OFFSETS])
    # In its middle a dark line lowers it as far as a light one lifts it.
    assert in_place.min() == pytest.approx(-light)


def test_straight_lines_excite_a_curve_by_as_much_as_both_sides_say(circuit, train):  # noqa: F811
    ideal = answers(circuit, "curve:0", [train.draw(0)], site="post_relu").max()
    said = prose("straight")

    def share(angle: float, *, within: slice) -> float:
        shown = [bar(angle, offset=offset) for offset in range(-20, 21, 2)]
        return answers(circuit, "curve:0", shown, site="post_relu")[:, within, within].max() / ideal

    assert share(90, within=slice(None)) == 0
    inside = {angle: share(angle, within=slice(6, 26)) for angle in range(0, 180, 5)}
    assert f"{inside[130]:.0%}".replace("%", " %") in said
    assert max(inside.values()) <= inside[130] + 1e-6
    assert f"{share(60, within=slice(None)):.0%}".replace("%", " %") in said


def test_a_curve_is_the_same_in_light_and_dark_and_nothing_when_turned(circuit, train):  # noqa: F811
    light, dark = (answers(circuit, "curve:2", [train.draw(90, contrast=it)]).max() for it in (1, -1))
    assert light == pytest.approx(dark, abs=1e-6)
    assert answers(circuit, "curve:2", [train.draw(270)], site="post_relu").max() == 0


def test_the_works_that_are_named_are_those_of_these_addresses():
    cited = {
        act["content"]["reference"]["doi"]: act["content"]["reference"]["title"]
        for act in STORY["acts"]
        if act.get("content", {}).get("method") == "LT"
    }
    titles = {"10.23915/distill.00024.001": "Zoom In", "10.23915/distill.00024.003": "Curve Detectors"}
    titles["10.23915/distill.00024.006"] = "Curve Circuits"
    assert {doi for doi, title in cited.items() if titles[doi] in title} == set(titles)
    roles = {act["role"] for act in STORY["acts"] if act.get("content", {}).get("method") == "LT"}
    assert roles == {"neutral"}, "what was read of another network proves nothing about this one"
