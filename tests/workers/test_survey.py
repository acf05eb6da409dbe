"""The page of all networks says what the library says of its own, and a check finds what is wrong with it."""

from pathlib import Path

import pytest

from workers import survey
from workers.interp import architectures
from workers.interp.vision import torchvision

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "architectures.md").read_text()
LINES = {said.split("`")[1]: said for said in PAGE.splitlines() if said.startswith("| `")}
COUNTED = {name: said for name, said in LINES.items() if said.count("|") == 7}
OF_TORCHVISION = architectures.ARCHITECTURES["torchvision"].names()


def test_every_name_is_on_the_page_once():
    names = [name for family in architectures.ARCHITECTURES.values() for name in family.names()]
    assert sorted(LINES) == sorted(names)
    assert len(names) == len(set(names))


def test_what_attends_is_refused_and_nothing_else():
    refused = {name for name in LINES if name not in COUNTED}
    assert refused == {name for name in OF_TORCHVISION if name.startswith(("vit", "swin", "maxvit"))}
    assert all("attends to tokens" in LINES[name] for name in refused)


@pytest.mark.parametrize("name", [name for name in OF_TORCHVISION if name in COUNTED])
def test_parameters_and_cost_are_the_librarys(name):
    meta = torchvision().models.get_model_weights(name).DEFAULT.meta
    *_, parameters, millions = (float(cell.replace(",", "")) for cell in COUNTED[name].split("|")[2:-1])
    if name != "inception_v3":  # there the library counts the auxiliary head, too
        assert parameters == meta["num_params"]
    assert millions / 2000 == pytest.approx(meta["_ops"], rel=0.01, abs=0.002)


def test_a_check_counts_a_sample_anew_and_all_that_are_new():
    sampled, left = OF_TORCHVISION[0], OF_TORCHVISION[1]
    stale = PAGE.replace(LINES[sampled], f"| `{sampled}` | 1 | 2 | 3 | 4 | 5 |")
    stale = stale.replace(f"{LINES[left]}\n", "").replace("`lenet5`", "`lenet6`")
    assert survey.page(stale) == PAGE
