"""Departments that are made up ask each other for data, and read some."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from shuzhi.cli.demo.people import person_id
from shuzhi.kernel.ids import PartyId
from shuzhi.share.access import User
from shuzhi.share.agreements import Actor, ApplicationState, Asked, agree, submit
from shuzhi.share.catalogue.model import SharingMethod

if TYPE_CHECKING:
    from shuzhi.app import City

_BASIS = "社会救助暂行办法 第四十七条"
_CLERK = User("simulated.clerk", PartyId("civil_affairs"), frozenset({"clerk"}))


def share(city: City) -> None:
    """Let one application be agreed to and used, and one wait for its answer."""
    office, today = city.sharing_office, city.clock().date()
    fields = ("person_id", "name_zh", "born_on", "address_zh", "household")
    first = submit(office, _asked("residents", fields, today), by=_asks(), origin="demo:residents")
    if first.application.state is ApplicationState.WAITING:
        agree(
            office, first.application.id, by=Actor("simulated.steward", PartyId("public_security"))
        )
        # The form was judged before there was an agreement.
        city.recheck_forms()
        for number in (1, 2):
            city.prefill("relief", person_id(number), user=_CLERK)
    second = ("person_id", "yearly_income_yuan")
    submit(office, _asked("incomes", second, today), by=_asks(), origin="demo:incomes")


def _asks() -> Actor:
    return Actor("simulated.data_user", PartyId("civil_affairs"))


def _asked(dataset: str, fields: tuple[str, ...], today: date) -> Asked:
    return Asked(
        dataset=dataset,
        basis=_BASIS,
        scenario="模拟：核对救助申请 Simulated: holding requests for relief against registers",
        purposes=("relief",),
        roles=("clerk",),
        fields=fields,
        rows=(),
        method=SharingMethod.QUERY,
        starts_on=today,
        ends_on=today + timedelta(days=365),
        agreed_by="simulated.sharing_office",
    )
