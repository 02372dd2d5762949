"""tracing 溯源: from what was measured in a river or in the air back to what may have caused it.

Whatever is found is a candidate with reasons, for somebody to look into, and never a verdict.
"""

from shuzhi.decide.tracing.air import (
    AirAssumptions,
    AirSource,
    AirTrace,
    Sector,
    Wind,
    attribute,
    sectors,
)
from shuzhi.decide.tracing.beginning import NEEDED, Found, question_of
from shuzhi.decide.tracing.declared import Tracing, parse_tracing, read_tracing
from shuzhi.decide.tracing.layer import air_layer, layer_of, river_layer
from shuzhi.decide.tracing.model import Candidate, Place, Reason, Spot
from shuzhi.decide.tracing.network import Network, Reach, Upstream, network, point_along
from shuzhi.decide.tracing.river import Assumptions, Exceedance, Outfall, RiverTrace, trace_river
from shuzhi.decide.tracing.use_cases import (
    Bad,
    Question,
    Trace,
    search,
    search_air,
    search_river,
)

__all__ = [
    "NEEDED",
    "AirAssumptions",
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
    "Question",
    "Reach",
    "Reason",
    "RiverTrace",
    "Sector",
    "Spot",
    "Trace",
    "Tracing",
    "Upstream",
    "Wind",
    "air_layer",
    "attribute",
    "layer_of",
    "network",
    "parse_tracing",
    "point_along",
    "question_of",
    "read_tracing",
    "river_layer",
    "search",
    "search_air",
    "search_river",
    "sectors",
    "trace_river",
]
