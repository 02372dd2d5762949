"""Duties: what law lays on provider, user and manager, looked after without being asked."""

from shuzhi.share.duties.declared import Duty, DutyList, duty_list
from shuzhi.share.duties.errors import DutyError
from shuzhi.share.duties.events import DutyBroken, DutyKeptAgain
from shuzhi.share.duties.lateness import ClockFact, clock_facts
from shuzhi.share.duties.model import Breach, BreachId, Seen
from shuzhi.share.duties.office import DutiesOffice
from shuzhi.share.duties.queries import Record, breaches, breaches_in, records
from shuzhi.share.duties.use_cases import Reviewed, review

__all__ = [
    "Breach",
    "BreachId",
    "ClockFact",
    "DutiesOffice",
    "Duty",
    "DutyBroken",
    "DutyError",
    "DutyKeptAgain",
    "DutyList",
    "Record",
    "Reviewed",
    "Seen",
    "breaches",
    "breaches_in",
    "clock_facts",
    "duty_list",
    "records",
    "review",
]
