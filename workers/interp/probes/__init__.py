"""The questions one can put to a lens: one file per probe, one line to register it."""

from workers.interp.probes.activations import activations
from workers.interp.probes.connections import connections
from workers.interp.probes.feature_visualization import feature_visualization
from workers.interp.probes.firing import firing
from workers.interp.probes.intervention import intervention
from workers.interp.probes.similarity import similarity
from workers.interp.probes.tuning import tuning
from workers.interp.registry import registry

PROBES = registry("probe", feature_visualization, connections, activations, firing, tuning, similarity, intervention)
