"""Agreements: from the application for data to the deal about them, its clocks and its end."""

from shuzhi.share.agreements.agreeing import Deed
from shuzhi.share.agreements.application_yaml import read_application
from shuzhi.share.agreements.applying import Act
from shuzhi.share.agreements.clocks import Clock, ClockRun, Time
from shuzhi.share.agreements.duties import duties
from shuzhi.share.agreements.errors import AgreementError
from shuzhi.share.agreements.events import (
    AgreementMoved,
    ApplicationMoved,
    SharingClockBroken,
    SharingReminded,
    clock_broken,
)
from shuzhi.share.agreements.grants import grant_of, grants, terms_of
from shuzhi.share.agreements.model import (
    Actor,
    Agreement,
    AgreementId,
    AgreementState,
    Application,
    ApplicationId,
    ApplicationState,
    Asked,
    MatterKind,
    RowTerm,
    Step,
    Terms,
    Verb,
)
from shuzhi.share.agreements.office import SharingOffice
from shuzhi.share.agreements.policy import Names, policy_of
from shuzhi.share.agreements.queries import (
    AgreementFile,
    ApplicationFile,
    ProviderAnswers,
    agreement,
    agreements,
    application,
    applications,
    in_force,
    newest_step,
    refusal_statistics,
    replayed,
    steps_since,
)
from shuzhi.share.agreements.use_cases import (
    Submitted,
    Ticked,
    act,
    agree,
    deal,
    hand_over,
    renew,
    submit,
    tick,
)

__all__ = [
    "Act",
    "Actor",
    "Agreement",
    "AgreementError",
    "AgreementFile",
    "AgreementId",
    "AgreementMoved",
    "AgreementState",
    "Application",
    "ApplicationFile",
    "ApplicationId",
    "ApplicationMoved",
    "ApplicationState",
    "Asked",
    "Clock",
    "ClockRun",
    "Deed",
    "MatterKind",
    "Names",
    "ProviderAnswers",
    "RowTerm",
    "SharingClockBroken",
    "SharingOffice",
    "SharingReminded",
    "Step",
    "Submitted",
    "Terms",
    "Ticked",
    "Time",
    "Verb",
    "act",
    "agree",
    "agreement",
    "agreements",
    "application",
    "applications",
    "clock_broken",
    "deal",
    "duties",
    "grant_of",
    "grants",
    "hand_over",
    "in_force",
    "newest_step",
    "policy_of",
    "read_application",
    "refusal_statistics",
    "renew",
    "replayed",
    "steps_since",
    "submit",
    "terms_of",
    "tick",
]
