"""tracing 溯源: from what was measured in a river or in the air back to what may have caused it.

Whatever is found is a candidate with reasons, for somebody to look into, and never a verdict.
"""

from shuzhi.decide.tracing.air import AirSource, AirTrace, Sector, Wind, attribute, sectors
from shuzhi.decide.tracing.layer import air_layer, river_layer
from shuzhi.decide.tracing.model import Candidate, Place
from shuzhi.decide.tracing.network import Network, Reach, network
from shuzhi.decide.tracing.river import Assumptions, Exceedance, Outfall, RiverTrace, trace_river

__all__ = [
    "AirSource",
    "AirTrace",
    "Assumptions",
    "Candidate",
    "Exceedance",
    "Network",
    "Outfall",
    "Place",
    "Reach",
    "RiverTrace",
    "Sector",
    "Wind",
    "air_layer",
    "attribute",
    "network",
    "river_layer",
    "sectors",
    "trace_river",
]
