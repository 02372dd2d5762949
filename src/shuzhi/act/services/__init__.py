"""Services: what citizens and companies ask of the city, with no paper that it already holds."""

from shuzhi.act.services.asking import ask, begin
from shuzhi.act.services.errors import FieldProblem, ServiceError, Unfit
from shuzhi.act.services.events import ServiceAsked
from shuzhi.act.services.matter_yaml import read_matter
from shuzhi.act.services.model import (
    Applicant,
    Audience,
    Blank,
    Entered,
    Matter,
    MatterId,
    Progress,
    RequestId,
    ServiceRequest,
    ShownField,
    Way,
)
from shuzhi.act.services.office import ServicesOffice
from shuzhi.act.services.queries import RequestFile, request, requests

__all__ = [
    "Applicant",
    "Audience",
    "Blank",
    "Entered",
    "FieldProblem",
    "Matter",
    "MatterId",
    "Progress",
    "RequestFile",
    "RequestId",
    "ServiceAsked",
    "ServiceError",
    "ServiceRequest",
    "ServicesOffice",
    "ShownField",
    "Unfit",
    "Way",
    "ask",
    "begin",
    "read_matter",
    "request",
    "requests",
]
