"""The entities of OGC SensorThings 1.1 (18-088, clause 8.2): properties, links, and their columns.

Each entity set is one relation of the engine (`st_…`), one row an entity, `id` its key (a text).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Form(StrEnum):
    """What a property is, which decides how it is compared and shown."""

    TEXT = "text"
    NUMBER = "number"
    TIME = "time"
    INTERVAL = "interval"
    RESULT = "result"
    JSON = "json"
    POINT = "point"
    UNIT = "unit"
    FIXED = "fixed"


@dataclass(frozen=True)
class Property:
    """A property in the JSON of an entity.

    `columns` are those of its relation: one; start and end of an INTERVAL; number and text of a
    RESULT; longitude and latitude of a POINT; name, symbol and definition of a UNIT. A FIXED
    property has none and says `value`.
    """

    name: str
    form: Form
    columns: tuple[str, ...] = ()
    value: str = ""


@dataclass(frozen=True)
class Link:
    """A navigation property: where `mine` of this relation equals `theirs` of the target's."""

    name: str
    target: str
    mine: str
    theirs: str
    is_many: bool


@dataclass(frozen=True)
class EntitySet:
    """One kind of entity: its name in URLs, for one and for many, its relation, what it has."""

    name: str
    single: str
    relation: str
    properties: tuple[Property, ...]
    links: tuple[Link, ...]

    def property(self, name: str) -> Property | None:
        """Return the property with this name."""
        return next((p for p in self.properties if p.name == name), None)

    def link(self, name: str) -> Link | None:
        """Return the navigation property with this name."""
        return next((link for link in self.links if link.name == name), None)


def _text(name: str, column: str = "") -> Property:
    return Property(name, Form.TEXT, (column or name,))


_NAMED = (_text("name"), _text("description"))
_EXTRA = Property("properties", Form.JSON, ("properties",))
_GEOJSON = "application/geo+json"


def _encoding(value: str) -> Property:
    return Property("encodingType", Form.FIXED, value=value)


SETS: Mapping[str, EntitySet] = {
    each.name: each
    for each in (
        EntitySet(
            "Things",
            "Thing",
            "st_things",
            (*_NAMED, _EXTRA),
            (
                Link("Locations", "Locations", "id", "thing_id", is_many=True),
                Link("HistoricalLocations", "HistoricalLocations", "id", "thing_id", is_many=True),
                Link("Datastreams", "Datastreams", "id", "thing_id", is_many=True),
            ),
        ),
        EntitySet(
            "Locations",
            "Location",
            "st_locations",
            (
                *_NAMED,
                _encoding(_GEOJSON),
                Property("location", Form.POINT, ("longitude", "latitude")),
                _EXTRA,
            ),
            (
                Link("Things", "Things", "thing_id", "id", is_many=True),
                Link(
                    "HistoricalLocations", "HistoricalLocations", "id", "location_id", is_many=True
                ),
            ),
        ),
        EntitySet(
            "HistoricalLocations",
            "HistoricalLocation",
            "st_historical_locations",
            (Property("time", Form.TIME, ("moment",)),),
            (
                Link("Thing", "Things", "thing_id", "id", is_many=False),
                Link("Locations", "Locations", "location_id", "id", is_many=True),
            ),
        ),
        EntitySet(
            "Datastreams",
            "Datastream",
            "st_datastreams",
            (
                *_NAMED,
                _text("observationType", "observation_type"),
                Property(
                    "unitOfMeasurement",
                    Form.UNIT,
                    ("unit_name", "unit_symbol", "unit_definition"),
                ),
                Property("phenomenonTime", Form.INTERVAL, ("phenomenon_start", "phenomenon_end")),
                _EXTRA,
            ),
            (
                Link("Thing", "Things", "thing_id", "id", is_many=False),
                Link("Sensor", "Sensors", "sensor_id", "id", is_many=False),
                Link(
                    "ObservedProperty",
                    "ObservedProperties",
                    "observed_property_id",
                    "id",
                    is_many=False,
                ),
                Link("Observations", "Observations", "id", "datastream_id", is_many=True),
            ),
        ),
        EntitySet(
            "Sensors",
            "Sensor",
            "st_sensors",
            (*_NAMED, _encoding("text/plain"), _text("metadata"), _EXTRA),
            (Link("Datastreams", "Datastreams", "id", "sensor_id", is_many=True),),
        ),
        EntitySet(
            "ObservedProperties",
            "ObservedProperty",
            "st_observed_properties",
            (*_NAMED, _text("definition"), _EXTRA),
            (Link("Datastreams", "Datastreams", "id", "observed_property_id", is_many=True),),
        ),
        EntitySet(
            "FeaturesOfInterest",
            "FeatureOfInterest",
            "st_features",
            (
                *_NAMED,
                _encoding(_GEOJSON),
                Property("feature", Form.POINT, ("longitude", "latitude")),
                _EXTRA,
            ),
            (Link("Observations", "Observations", "id", "feature_id", is_many=True),),
        ),
        EntitySet(
            "Observations",
            "Observation",
            "st_observations",
            (
                Property("phenomenonTime", Form.INTERVAL, ("phenomenon_start", "phenomenon_end")),
                Property("resultTime", Form.TIME, ("result_time",)),
                Property("result", Form.RESULT, ("result", "result_text")),
                _text("resultQuality", "result_quality"),
                Property("parameters", Form.JSON, ("parameters",)),
            ),
            (
                Link("Datastream", "Datastreams", "datastream_id", "id", is_many=False),
                Link("FeatureOfInterest", "FeaturesOfInterest", "feature_id", "id", is_many=False),
            ),
        ),
    )
}

COLUMNS: Mapping[str, tuple[str, ...]] = {
    each.relation: tuple(
        dict.fromkeys(
            (
                "id",
                *(column for p in each.properties for column in p.columns),
                *(link.mine for link in each.links),
            )
        )
    )
    for each in SETS.values()
}
"""The columns that each relation must have."""
