"""Recording on real weights and photographs: the maxima of all units are those of a plain pass."""

import numpy as np
import pytest

from benchmarks import real
from tests.interp.test_activations import recorded, stored, tables
from workers.interp.datasets import Dataset

pytestmark = pytest.mark.real_data
SHOWN = {
    "resnet20-cifar10": "cifar10_test_1000",
    "squeezenet1_1-caffe": "imagenet1000",
    "googlenet-caffe": "imagenet1000",
}


@pytest.fixture(scope="module")
def folders(real_data) -> dict[str, Dataset]:
    """Sixteen pictures of each collection."""
    whole = {name: Dataset.of_folder(real_data / "images" / name) for name in set(SHOWN.values())}
    return {name: Dataset(found.items[:: len(found) // 16][:16]) for name, found in whole.items()}


@pytest.mark.parametrize("name", SHOWN)
def test_maxima_of_all_units_are_those_of_a_plain_pass(real_data, folders, name):
    lens, dataset = real.opened(real_data, name), folders[SHOWN[name]]
    found, at = tables(recorded(lens, dataset, top=2)), 0
    for key, values in stored(lens, dataset).items():
        units = slice(at, at := at + values.shape[1])
        assert np.array_equal(found["maxima"]["maxima"][:, units], values.max((2, 3))), key
    assert at == found["maxima"]["maxima"].shape[1]
