"""An agreement as a policy and as a grant: both say what was agreed, and nothing more."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shuzhi.gather.contracts import LogicalType, parse_contract, register
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.access import Every, Form, Operator, Term
from shuzhi.share.agreements import (
    AgreementError,
    Deed,
    Names,
    RowTerm,
    Verb,
    agreement,
    deal,
    grants,
    policy_of,
    terms_of,
)
from shuzhi.share.agreements.odrl import NotAPolicy, Policy, evaluate, read_policy, written
from shuzhi.share.agreements.policy import request_of, world_of

NAMES = Names("https://data.city.example")
TYPES = {"station": LogicalType.STRING, "pm10_ug_m3": LogicalType.INTEGER}
CONTRACT = b"""
apiVersion: v3.1.0
kind: DataContract
id: urn:city:air
name: air
version: 1.0.0
status: active
description: {purpose: Hourly readings of dust.}
schema:
  - name: air
    properties:
      - {name: station, logicalType: string, primaryKey: true, required: true}
      - {name: pm10_ug_m3, logicalType: integer}
"""
_purposes = st.sampled_from(["tracing", "planning", "trade"])
_columns = st.sets(st.sampled_from(["station", "pm10_ug_m3", "owner"]), min_size=1)


@pytest.fixture
def contracted(exchange: Any) -> Any:
    """The city with the contract of `air` registered."""
    contract = parse_contract(CONTRACT, file="air.odcs.yaml")
    register(exchange.control, contract, now=exchange.now)
    return exchange


def test_the_policy_is_kept_as_it_was_agreed_and_reads_back(exchange: Any) -> None:
    made = exchange.agreed()
    kept = agreement(exchange.office, made.id).policy
    policy = read_policy(kept)
    assert isinstance(policy, Policy)
    assert policy == policy_of(made.id, made.terms, NAMES)
    assert policy.conforms_to == ("urn:shuzhi:contract:air:1.0.0",)
    assert not any(rule.unread for rule in policy.rules)
    deal(exchange.office, made.id, Deed(Verb.SUSPEND, exchange.city, text="A test"))
    assert agreement(exchange.office, made.id).policy == kept


@given(
    purpose=_purposes, columns=_columns, days=st.integers(-30, 400),
    granted=st.sets(_purposes, min_size=1), form=st.sampled_from([Form.ROWS, Form.AGGREGATE]),
    rows=st.sampled_from([(), (RowTerm("station", Operator.ONE_OF, ("s1",)),)]),
    who=st.sampled_from(["water", "transport"]),
)  # fmt: skip
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_policy_and_grant_permit_the_same(
    exchange: Any, purpose: str, columns: set[str], days: int, granted: set[str], form: Form,
    rows: tuple[RowTerm, ...], who: str,
) -> None:  # fmt: skip
    asked = exchange.asked(
        purposes=tuple(sorted(granted)), rows=rows, form=form,
        minimum_group=5 if form is Form.AGGREGATE else None,
        budget=9 if form is Form.AGGREGATE else None,
    )  # fmt: skip
    made = exchange.unwritten(asked)
    policy = read_policy(written(policy_of(made.id, made.terms, NAMES)))
    assert not isinstance(policy, NotAPolicy)
    grant = terms_of(made, TYPES)
    at = Instant(made.terms.since + timedelta(days=days))
    user = replace(made.terms, assignee=PartyId(who))
    request = request_of(user, NAMES)
    said = evaluate(
        policy, request, world_of(user, NAMES, at, purpose=purpose, columns=frozenset(columns))
    )
    allowed = (
        grant.assignee == who
        and grant.since <= at < grant.until
        and purpose in grant.purposes
        and columns <= set(grant.columns)
    )
    assert said.is_permitted is allowed


def test_nothing_is_passed_on(exchange: Any) -> None:
    made = exchange.agreed()
    policy = policy_of(made.id, made.terms, NAMES)
    world = world_of(
        made.terms, NAMES, exchange.now, purpose="tracing", columns=frozenset({"station"})
    )  # fmt: skip
    for action, is_permitted in (("use", True), ("distribute", False), ("sell", False)):
        request = request_of(made.terms, NAMES, action=action)
        assert evaluate(policy, request, world).is_permitted is is_permitted


def test_grants_are_those_in_force_with_the_types_of_the_contract(contracted: Any) -> None:
    rows = (
        RowTerm("station", Operator.ONE_OF, ("s1", "s2")),
        RowTerm("pm10_ug_m3", Operator.ABOVE, (150,)),
    )
    made = contracted.agreed(rows=rows)
    office, water = contracted.office, PartyId("water")
    (grant,) = grants(office, water, "air", contracted.now)
    assert grant.rows == Every(
        (
            Term("station", Operator.ONE_OF, ("s1", "s2")),
            Term("pm10_ug_m3", Operator.ABOVE, (150,)),
        )
    )
    assert (grant.id, grant.contract_version) == (f"agreement:{made.id}", "1.0.0")
    deal(office, made.id, Deed(Verb.SUSPEND, contracted.city, text="A test"))
    assert grants(office, water, "air", contracted.now) == ()
    assert grants(office, PartyId("transport"), "air", contracted.now) == ()


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (RowTerm("pm10_ug_m3", Operator.ABOVE, ("high",)), "no integer"),
        (RowTerm("pm10_ug_m3", Operator.ABOVE, (1, 2)), "too many"),
        (RowTerm("station", Operator.IS_MISSING, ("s1",)), "takes no value"),
    ],
)
def test_rows_that_cannot_be_tested_are_refused_when_they_are_asked_for(
    contracted: Any, row: RowTerm, problem: str
) -> None:
    with pytest.raises(AgreementError, match=problem):
        contracted.submitted(rows=(row,))


@pytest.mark.parametrize(
    ("logical_type", "value", "expected"),
    [
        (LogicalType.DATE, "2026-03-02", date(2026, 3, 2)),
        (LogicalType.NUMBER, "12.5", Decimal("12.5")),
        (LogicalType.NUMBER, 12, 12),
    ],
)
def test_values_get_the_type_of_their_column(
    exchange: Any, logical_type: LogicalType, value: Any, expected: Any
) -> None:
    made = exchange.unwritten(exchange.asked(rows=(RowTerm("x", Operator.AT_LEAST, (value,)),)))
    assert terms_of(made, {"x": logical_type}).rows == Term("x", Operator.AT_LEAST, (expected,))


def test_an_agreement_whose_contract_is_gone_grants_nothing(exchange: Any) -> None:
    exchange.agreed()
    with pytest.raises(RefusedError, match=r"share\.no_contract"):
        grants(exchange.office, PartyId("water"), "air", exchange.now)
