"""Agreements that go on after their end: when, on which terms, and what becomes of the data."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from shuzhi.share.agreements import (
    Act,
    AgreementError,
    AgreementState,
    ApplicationState,
    Asked,
    Clock,
    Deed,
    MatterKind,
    SharingClockBroken,
    Verb,
    act,
    agree,
    agreement,
    deal,
    in_force,
    renew,
    replayed,
    tick,
)
from shuzhi.share.agreements.clocks import live


def test_a_renewal_is_answered_and_goes_on_where_the_first_ends(exchange: Any) -> None:
    made = exchange.agreed()
    period = Asked(starts_on=date(2027, 1, 1), ends_on=date(2027, 12, 31), agreed_by="w.qian")
    asked = renew(exchange.office, made.id, period, by=exchange.water).application
    assert (asked.renews, asked.state) == (made.id, ApplicationState.WAITING)
    more = agree(exchange.office, asked.id, by=exchange.ecology)
    assert more.terms.asked.fields == made.terms.asked.fields
    exchange.to("2027-01-01T00:00:00+00:00")
    tick(exchange.office)
    old = agreement(exchange.office, made.id).agreement
    assert (old.state, old.renewed_by) == (AgreementState.RENEWED, more.id)
    assert [a.id for a in in_force(exchange.office, "water", "air", exchange.now)] == [more.id]


def renewing(exchange: Any) -> tuple[Any, Any]:
    """Return an agreement until the 30th of June, and the application to renew it."""
    made = exchange.agreed(ends_on=date(2026, 6, 30))
    period = Asked(starts_on=date(2026, 7, 1), ends_on=date(2026, 12, 31), agreed_by="w.qian")
    return made, renew(exchange.office, made.id, period, by=exchange.water).application


def test_a_renewal_that_is_answered_late_spares_the_user_to_dispose(exchange: Any) -> None:
    made, asked = renewing(exchange)
    exchange.to("2026-07-10T01:00:00+00:00")
    tick(exchange.office)
    assert agreement(exchange.office, made.id).agreement.state is AgreementState.ENDED
    more = agree(exchange.office, asked.id, by=exchange.ecology)
    old = agreement(exchange.office, made.id).agreement
    assert (old.state, old.renewed_by) == (AgreementState.RENEWED, more.id)
    assert all(run.ended_at for run in old.runs)
    assert replayed(exchange.office, MatterKind.AGREEMENT, made.id) == old
    # What the provider was late with gives nothing back: it begins with the consent.
    assert more.terms.since == exchange.now
    exchange.to("2026-11-01T00:00:00+00:00")
    tick(exchange.office)
    late = [e for e in exchange.told(SharingClockBroken) if e.clock is Clock.DISPOSAL]
    assert late == []


@pytest.mark.parametrize("is_disposed", [False, True])
def test_what_was_ended_by_somebody_is_disposed_of_though_it_is_renewed(
    exchange: Any, is_disposed: bool
) -> None:
    made, asked = renewing(exchange)
    deal(exchange.office, made.id, Deed(Verb.END, exchange.city, text="It was passed on"))
    gone = Deed(Verb.DISPOSE, exchange.water, method="deleted", text="All")
    before = deal(exchange.office, made.id, gone) if is_disposed else None
    exchange.to("2026-03-04T01:00:00+00:00")
    agree(exchange.office, asked.id, by=exchange.ecology)
    after = agreement(exchange.office, made.id).agreement
    assert after.state is (AgreementState.DISPOSED if is_disposed else AgreementState.ENDED)
    assert (live(after.runs, Clock.DISPOSAL) is None) == is_disposed
    assert before is None or after.receipt == before.receipt


@pytest.mark.parametrize(
    ("starts_on", "ends_on"),
    [
        # A gap in which the data would have to be disposed of.
        (date(2027, 1, 2), date(2027, 12, 31)),
        # Nothing longer than what is there.
        (date(2026, 3, 2), date(2026, 12, 31)),
    ],
)
def test_a_renewal_goes_on_from_the_end(exchange: Any, starts_on: date, ends_on: date) -> None:
    made = exchange.agreed()
    period = Asked(starts_on=starts_on, ends_on=ends_on, agreed_by="w.qian")
    with pytest.raises(AgreementError, match="does not go on from there"):
        renew(exchange.office, made.id, period, by=exchange.water)


def test_a_renewal_is_completed_on_its_own_terms_alone(exchange: Any) -> None:
    made = exchange.agreed(fields=("station",))
    held = renew(exchange.office, made.id, Asked(ends_on=date(2027, 3, 31)), by=exchange.water)
    number = held.application.id
    assert held.application.missing == ("starts_on", "agreed_by")
    whole = replace(
        held.application.asked, starts_on=date(2027, 1, 1), ends_on=date(2027, 6, 30),
        agreed_by="w.qian",
    )  # fmt: skip
    more = (
        replace(whole, fields=("station", "pm10_ug_m3")),
        replace(whole, purposes=("advertising",)),
        replace(whole, starts_on=date(2027, 2, 1)),
    )
    for asked in more:
        with pytest.raises(AgreementError, match=r"share\.application_bad"):
            act(exchange.office, number, Act(Verb.COMPLETE, exchange.water, asked=asked))
    done = act(exchange.office, number, Act(Verb.COMPLETE, exchange.water, asked=whole))
    assert done.state is ApplicationState.WAITING


def test_what_has_ended_is_not_renewed(exchange: Any) -> None:
    made = exchange.agreed()
    deal(exchange.office, made.id, Deed(Verb.END, exchange.water, text="Done"))
    period = Asked(starts_on=date(2027, 1, 1), ends_on=date(2027, 3, 31), agreed_by="w.qian")
    with pytest.raises(AgreementError, match=r"share\.wrong_state"):
        renew(exchange.office, made.id, period, by=exchange.water)
