"""A forecaster's file: read strictly, with file and line of everything that is wrong."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from shuzhi.decide.warnings import Anomaly, Crossing, parse_forecaster
from shuzhi.decide.warnings.model import Basis, Direction, Method, ModelName
from shuzhi.kernel.documents import DocumentError


def problems(text: str) -> str:
    with pytest.raises(DocumentError) as caught:
        parse_forecaster(text.encode(), file="warnings/dust.yaml")
    assert caught.value.code == "decide.bad_forecaster"
    return "\n".join(map(str, caught.value.findings))


def test_a_file_is_read_with_what_it_leaves_out(air: Any) -> None:
    forecaster = air.forecaster("crossing: {limit: 100.5}", history="")
    assert forecaster.method == Method(ModelName.MSTL, (24,), history=60 * 24, level=90)
    assert forecaster.warns == Crossing(Direction.ABOVE, Basis.FORECAST, Decimal("100.5"))
    assert (forecaster.horizon, forecaster.every) == (24, timedelta(hours=1))
    assert forecaster.merge_by == ("station",)


def test_a_file_says_the_rest(air: Any) -> None:
    forecaster = air.forecaster(
        "anomaly: {side: below, run: 3, effect: 2.5}",
        grain="day",
        season="[7, 364]",
        history="1460 days",
        horizon="14 days",
        every="1 day",
        merge_within="3 days",
        level="95",
        least="0",
        most_gaps="0.1",
    )
    assert forecaster.method == Method(ModelName.MSTL, (7, 364), 1460, 95, 0.0, 0.1)
    assert forecaster.warns == Anomaly(frozenset({Direction.BELOW}), 3, Decimal("2.5"))


@pytest.mark.parametrize(
    ("parts", "changes", "says"),
    [
        ((), {"horizont": "3 hours"}, "dust.yaml:15: horizont: unknown key"),
        (("crossing: {limit: 1}", "anomaly: {run: 1, effect: 0}"), {}, "either `crossing` or"),
        (("level: 90",), {}, "either `crossing` or `anomaly`"),
        (("crossing: {}",), {}, "needs either `limit` or a `legal_basis`"),
        (("crossing: {limit: 1}",), {"legal_basis": "a_limit"}, "and one of the two"),
        (("anomaly: {run: 1, effect: 0}",), {"legal_basis": "a_limit"}, "an anomaly has none"),
        ((), {"horizon": "90 minutes"}, "horizon: '90 minutes' is not 1 to 20,000 whole steps"),
        ((), {"horizon": "soon"}, "horizon: 'soon' is no span of time"),
        ((), {"history": "2 days"}, "history: is 48 steps, shorter than three seasons of 24"),
        ((), {"season": "[1]"}, "length of a season"),
        ((), {"season": "[24, 168]", "model": "theta"}, "theta takes one season"),
        ((), {"severity": "pink"}, "is no severity"),
        ((), {"severity": "{column: station}"}, "write a colour"),
        ((), {"responsible": "{column: district}"}, "'district' is no column of the answer"),
        ((), {"per": "[station, station]"}, "names a column twice"),
        ((), {"per": "[limit]"}, "per.0: 'limit' is what a warning calls a fact of its own"),
        ((), {"per": "[pm10]"}, "the value among what tells series apart"),
        ((), {"merge_within": "30 minutes"}, "each look would warn again"),
        ((), {"level": "100"}, "level"),
        ((), {"owner": "The Mayor"}, "owner: 'The Mayor' cannot name a party"),
    ],
)
def test_what_is_wrong_is_said(
    air: Any, parts: tuple[str, ...], changes: dict[str, str], says: str
) -> None:
    assert says in problems(air.text(*parts, **changes))


def test_the_wording_is_what_tells_versions_apart(air: Any) -> None:
    assert air.forecaster().digest == air.forecaster().digest
    assert air.forecaster().digest != air.forecaster("crossing: {limit: 101}").digest
