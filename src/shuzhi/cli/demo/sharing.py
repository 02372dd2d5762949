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
    from shuzhi.share.agreements import SharingOffice

_BASIS = "社会救助暂行办法 第四十七条"
_CLERK = User("simulated.clerk", PartyId("civil_affairs"), frozenset({"clerk"}))


def share(city: City) -> None:
    """Let two applications be agreed to, one of them be used, and one wait for its answer."""
    office, today = city.sharing_office, city.clock().date()
    register = ("person_id", "name_zh", "born_on", "address_zh", "household")
    if _agreed(office, _asked("residents", register, today), by="public_security"):
        # The form was judged before there was an agreement.
        city.recheck_forms()
        for number in (1, 2):
            city.prefill("relief", person_id(number), user=_CLERK)
    seekers = ("seeker_no", "name_zh", "born_on", "address_zh")
    _agreed(office, _asked("job_seekers", seekers, today), by="human_resources")
    incomes = _asked("incomes", ("person_id", "yearly_income_yuan"), today)
    submit(office, incomes, by=_asks(), origin="demo:incomes")


def _agreed(office: SharingOffice, asked: Asked, *, by: str) -> bool:
    """Let the provider agree; return whether that was still to be done."""
    sent = submit(office, asked, by=_asks(), origin=f"demo:{asked.dataset}")
    if sent.application.state is not ApplicationState.WAITING:
        return False
    agree(office, sent.application.id, by=Actor("simulated.steward", PartyId(by)))
    return True


def _asks() -> Actor:
    return Actor("simulated.data_user", PartyId("civil_affairs"))


def _asked(dataset: str, fields: tuple[str, ...], today: date) -> Asked:
    return Asked(
        dataset=dataset,
        basis=_BASIS,
        scenario="模拟：核对救助申请 Simulated: holding requests for relief against registers",
        purposes=("relief",),
        roles=("clerk", "data_user"),
        fields=fields,
        rows=(),
        method=SharingMethod.QUERY,
        starts_on=today,
        ends_on=today + timedelta(days=365),
        agreed_by="simulated.sharing_office",
    )
