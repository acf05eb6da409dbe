"""What the tests of the science start from: lenses of every kind of network there is."""

from pathlib import Path

import pytest

from tests.interp import networks
from workers.interp.lens import Lens
from workers.interp.probe import Probe
from workers.interp.probes import PROBES


@pytest.fixture(autouse=True)
def artifact_folder() -> None:
    """The science stores nothing: no test of it needs the record's folder."""


@pytest.fixture(scope="session", params=networks.NAMES)
def lens(request) -> Lens:
    """A lens on each kind of network, as the service opens it."""
    return Lens(networks.checkpoint(request.param))


@pytest.fixture(scope="session")
def circuit() -> Lens:
    """A lens on `curve-circuit`."""
    return Lens(networks.checkpoint("curve-circuit"))


@pytest.fixture(params=PROBES.values(), ids=list(PROBES))
def probe(request) -> Probe:
    """Each probe there is."""
    return request.param


@pytest.fixture(scope="session")
def organism() -> Path:
    """The folder of the shipped organism."""
    return networks.ORGANISM
