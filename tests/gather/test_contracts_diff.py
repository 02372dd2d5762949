"""What changed between versions of a contract, who notices, and which version that asks for."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from shuzhi.gather.contracts import (
    Bump,
    Change,
    Contract,
    Impact,
    diff,
    diff_documents,
    parse_contract,
    read_contract,
    register,
    required_bump,
    table_named,
)
from shuzhi.kernel.control import Control
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant

NOON = Instant(datetime(2026, 3, 2, 12, tzinfo=UTC))


def document(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "urn:city:air",
        "name": "air",
        "version": "1.2.0",
        "status": "active",
        "slaProperties": [{"property": "latency", "value": 4, "unit": "h"}],
        "schema": [
            {
                "name": "air",
                "properties": [
                    {"name": "station", "logicalType": "string", "required": True},
                    {
                        "name": "pm10",
                        "logicalType": "integer",
                        "logicalTypeOptions": {"minimum": 0, "maximum": 500},
                        "customProperties": [{"property": "unit", "value": "ug/m3"}],
                    },
                    {"name": "grade", "logicalType": "string", "enum": [{"value": "A"}]},
                ],
                "quality": [
                    {"type": "library", "metric": "rowCount", "mustBeGreaterThan": 10},
                ],
            }
        ],
    }
    return made | changes


def contract(content: dict[str, Any]) -> Contract:
    return parse_contract(yaml.safe_dump(content).encode(), file="air.odcs.yaml")


def changed(where: str, value: Any) -> dict[str, Any]:
    """The document with the value at `where` (`schema.0.name`) replaced, or gone when None."""
    made = yaml.safe_load(yaml.safe_dump(document()))
    *way, last = [int(p) if p.isdigit() else p for p in where.split(".")]
    inner: Any = made
    for part in way:
        inner = inner[part]
    inner[last] = value
    return made


COLUMN = "schema.0.properties"


@pytest.mark.parametrize(
    ("where", "value", "impact"),
    [
        (f"{COLUMN}.1.logicalType", "number", Impact.BREAKING),
        (f"{COLUMN}.0.required", False, Impact.BREAKING),
        (f"{COLUMN}.1.required", True, Impact.STRICTER),
        (f"{COLUMN}.1.unique", True, Impact.STRICTER),
        (f"{COLUMN}.0.primaryKey", True, Impact.BREAKING),
        (f"{COLUMN}.1.logicalTypeOptions.minimum", -10, Impact.BREAKING),
        (f"{COLUMN}.1.logicalTypeOptions.minimum", 1, Impact.STRICTER),
        (f"{COLUMN}.1.logicalTypeOptions.maximum", 600, Impact.BREAKING),
        (f"{COLUMN}.1.logicalTypeOptions.maximum", 400, Impact.STRICTER),
        (f"{COLUMN}.2.enum", [{"value": "A"}, {"value": "B"}], Impact.BREAKING),
        (f"{COLUMN}.2.enum", [], Impact.STRICTER),
        (f"{COLUMN}.1.customProperties.0.value", "mg/m3", Impact.BREAKING),
        (f"{COLUMN}.1.physicalType", "DECIMAL(9,3)", Impact.BREAKING),
        (f"{COLUMN}.1.physicalType", "smallint", Impact.COMPATIBLE),
        (f"{COLUMN}.1.classification", "restricted", Impact.COMPATIBLE),
        (f"{COLUMN}.1.description", "Dust.", Impact.WORDS),
        ("schema.0.quality.0.mustBeGreaterThan", 5, Impact.BREAKING),
        ("schema.0.quality.0.mustBeGreaterThan", 50, Impact.STRICTER),
        ("schema.0.quality", [], Impact.BREAKING),
        ("slaProperties.0.value", 8, Impact.BREAKING),
        ("slaProperties.0.value", 2, Impact.COMPATIBLE),
        ("slaProperties.0.unit", "d", Impact.BREAKING),
        ("slaProperties", [], Impact.BREAKING),
        ("status", "deprecated", Impact.COMPATIBLE),
        ("status", "retired", Impact.BREAKING),
        ("id", "urn:city:other", Impact.BREAKING),
        ("tags", ["dust"], Impact.WORDS),
        ("domain", "ecology", Impact.COMPATIBLE),
    ],
)
def test_who_notices_a_change(where: str, value: Any, impact: Impact) -> None:
    (change,) = diff_documents(document(), changed(where, value))
    assert (change.impact, bool(change.why_zh)) == (impact, True)


def test_columns_are_compared_by_name_wherever_they_stand() -> None:
    columns = document()["schema"][0]["properties"]
    assert diff_documents(document(), changed(COLUMN, columns[::-1])) == ()


def test_a_renamed_column_is_one_gone_and_one_new() -> None:
    told = diff_documents(document(), changed(f"{COLUMN}.1.name", "pm_10"))
    assert [(c.where, c.kind.value, c.impact) for c in told] == [
        ("schema.air.properties.pm10", "removed", Impact.BREAKING),
        ("schema.air.properties.pm_10", "added", Impact.COMPATIBLE),
    ]


def test_a_new_column_that_must_be_filled_is_stricter() -> None:
    columns = document()["schema"][0]["properties"]
    district = {"name": "district", "logicalType": "string", "required": True}
    (change,) = diff_documents(document(), changed(COLUMN, [*columns, district]))
    assert change.impact is Impact.STRICTER


@given(st.data())
def test_every_changed_value_is_told(data: st.DataObject) -> None:
    leaves = [
        "name",
        "schema.0.physicalName",
        f"{COLUMN}.0.description",
        f"{COLUMN}.1.logicalTypeOptions.minimum",
        f"{COLUMN}.1.businessName",
        "slaProperties.0.driver",
        "schema.0.quality.0.severity",
    ]
    where = data.draw(st.sampled_from(leaves))
    value = data.draw(st.text("abc", min_size=6) | st.integers(1000, 9999))
    assert len(diff_documents(document(), changed(where, value))) == 1


@pytest.mark.parametrize(
    ("where", "value", "bump"),
    [
        (f"{COLUMN}.1.logicalType", "number", Bump.MAJOR),
        (f"{COLUMN}.1.required", True, Bump.MINOR),
        ("tags", ["x"], Bump.PATCH),
        ("version", "9.0.0", Bump.NONE),
    ],
)
def test_which_part_of_the_version_must_rise(where: str, value: Any, bump: Bump) -> None:
    assert required_bump(diff_documents(document(), changed(where, value))) is bump


def later(minutes: int) -> Instant:
    return Instant(NOON + timedelta(minutes=minutes))


def test_a_breaking_change_needs_a_major_version(control: Control) -> None:
    register(control, contract(document()), now=NOON)
    broken = changed(f"{COLUMN}.0.required", False) | {"version": "1.3.0"}
    with pytest.raises(RefusedError) as refusal:
        register(control, contract(broken), now=later(1))
    assert refusal.value.code == "gather.contract_breaking_needs_major"
    assert refusal.value.message == (
        "Contract 'air' goes from version 1.2.0 to 1.3.0, but changed more than that says: "
        "schema.air.properties.station.required updated: a promise is weaker: values may come "
        "that could not come before."
    )
    assert refusal.value.next_step == "Give it version 2.0.0, or take these changes back."
    assert register(control, contract(broken | {"version": "2.0.0"}), now=later(2))
    assert table_named(control, "air")[0].version == "2.0.0"


def test_a_stricter_contract_needs_a_minor_version(control: Control) -> None:
    register(control, contract(document()), now=NOON)
    stricter = changed(f"{COLUMN}.1.required", True)
    with pytest.raises(RefusedError) as refusal:
        register(control, contract(stricter | {"version": "1.2.1"}), now=later(1))
    assert refusal.value.code == "gather.contract_change_needs_minor"
    assert refusal.value.next_step.startswith("Give it version 1.3.0")
    assert register(control, contract(stricter | {"version": "1.3.0"}), now=later(2))


def test_words_need_a_patch_and_a_draft_promises_nothing(control: Control) -> None:
    register(control, contract(document()), now=NOON)
    assert register(control, contract(document(version="1.2.1", tags=["x"])), now=later(1))
    draft = {"name": "noise", "id": "urn:noise", "status": "draft", "schema": [{"name": "noise"}]}
    register(control, contract(document(**draft)), now=NOON)
    loose = draft | {"status": "active", "version": "1.2.1", "slaProperties": []}
    assert register(control, contract(document(**loose)), now=later(1))


def test_an_older_version_does_not_take_the_place_of_a_newer(control: Control) -> None:
    register(control, contract(document()), now=NOON)
    with pytest.raises(RefusedError) as refusal:
        register(control, contract(document(version="1.1.9")), now=later(1))
    assert refusal.value.code == "gather.contract_version_old"
    assert refusal.value.next_step == "Give it a version above 1.2.0."


def test_every_difference_that_others_name_is_told(shared: Path) -> None:
    folder = shared / "conformance" / "odcs-changes" / "changelog"
    old, new = sorted((folder / "integration").glob("*.yaml"))
    told = diff(read_contract(old), read_contract(new))
    golden = (folder / "golden_changelog_text.txt").read_text().partition("Details")[2]
    named = re.findall(r"(Added|Removed|Updated)\s+│ (\S+)", golden)
    assert len(named) > 30
    assert [n for n in named if not any(_covers(c, *n) for c in told)] == []
    assert [c.where for c in told if c.is_breaking] == [
        "schema.orders.properties.customer_id",
        "schema.orders.properties.order_date.logicalType",
        "slaProperties.availability.value",
    ]


def _covers(change: Change, kind: str, path: str) -> bool:
    is_below = path == change.where or path.startswith(change.where + ".")
    return change.kind.value == kind.lower() and is_below


def test_the_unit_changelog_is_told_down_to_each_part(shared: Path) -> None:
    folder = shared / "conformance" / "odcs-changes" / "changelog" / "unit"
    old, new = (yaml.safe_load(p.read_text()) for p in sorted(folder.glob("*.yaml")))
    told = {c.where: c.impact for c in diff_documents(old, new)}
    assert told["status"] is Impact.COMPATIBLE
    assert told["schema.orders.properties.customer_id"] is Impact.BREAKING
    assert told["schema.orders.properties.order_date.logicalType"] is Impact.BREAKING
    assert told["schema.orders.properties.total_amount.required"] is Impact.STRICTER
    assert told["schema.customers"] is Impact.COMPATIBLE
    assert told["slaProperties.availability.value"] is Impact.BREAKING
    assert told["roles.viewer"] is Impact.COMPATIBLE
    assert told["support.email"] is Impact.WORDS


def test_a_schema_that_grows_is_compatible_and_then_stricter(shared: Path) -> None:
    folder = shared / "conformance" / "odcs-changes" / "schema-evolution"
    one, two, three = (yaml.safe_load(p.read_text()) for p in sorted(folder.glob("*.yaml")))
    grown = [c for c in diff_documents(one, two) if c.path[0] == "schema"]
    assert [(c.where, c.impact) for c in grown] == [
        ("schema.cities.properties.population", Impact.COMPATIBLE)
    ]
    filled = [c for c in diff_documents(two, three) if c.path[0] == "schema"]
    assert [(c.where, c.impact) for c in filled] == [
        ("schema.cities.properties.population.required", Impact.STRICTER)
    ]


def test_a_contract_does_not_differ_from_itself(shared: Path) -> None:
    examples = sorted((shared / "conformance" / "odcs").rglob("*.odcs.yaml"))
    assert len(examples) > 10
    for example in examples:
        read = read_contract(example)
        assert diff(read, read) == ()
