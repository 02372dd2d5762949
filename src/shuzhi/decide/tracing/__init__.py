"""tracing 溯源: from what was measured in a river or in the air back to what may have caused it.

Whatever is found is a candidate with reasons, for somebody to look into, and never a verdict.
"""

from shuzhi.decide.tracing.air import AirSource, AirTrace, Sector, Wind, attribute, sectors
from shuzhi.decide.tracing.beginning import NEEDED, Found, search_from
from shuzhi.decide.tracing.declared import Tracing, parse_tracing, read_tracing
from shuzhi.decide.tracing.layer import air_layer, river_layer
from shuzhi.decide.tracing.model import Candidate, Place, Reason
from shuzhi.decide.tracing.network import Network, Reach, network
from shuzhi.decide.tracing.river import Assumptions, Exceedance, Outfall, RiverTrace, trace_river
from shuzhi.decide.tracing.use_cases import Bad, river_network, search_air, search_river

__all__ = [
    "NEEDED",
    "AirSource",
    "AirTrace",
    "Assumptions",
    "Bad",
    "Candidate",
    "Exceedance",
    "Found",
    "Network",
    "Outfall",
    "Place",
    "Reach",
    "Reason",
    "RiverTrace",
    "Sector",
    "Tracing",
    "Wind",
    "air_layer",
    "attribute",
    "network",
    "parse_tracing",
    "read_tracing",
    "river_layer",
    "river_network",
    "search_air",
    "search_from",
    "search_river",
    "sectors",
    "trace_river",
]
