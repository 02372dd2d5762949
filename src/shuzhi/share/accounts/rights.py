"""Who may do what: the roles that people hold for a party, and the rights that each role gives.

A right names a verb of the platform; pages, interfaces and keys ask for rights, never for roles.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from shuzhi.share.accounts.errors import AccountError

Word = TypeVar("Word", bound=StrEnum)


class Role(StrEnum):
    """What somebody is for a party: the people whom the platform serves."""

    STEWARD = "steward"
    DATA_USER = "data_user"
    ANALYST = "analyst"
    DUTY_OFFICER = "duty_officer"
    FIELD_OFFICER = "field_officer"
    MANAGER = "manager"
    COMPANY = "company"
    CITIZEN = "citizen"
    ADMINISTRATOR = "administrator"


class Right(StrEnum):
    """What one may do, as `room.verb`; the scopes of an API key are these."""

    READ = "data.read"
    QUERY = "data.query"
    VERIFY = "data.verify"
    DOUBT = "data.doubt"
    CORRECT = "data.correct"
    PUBLISH = "data.publish"
    APPLY = "sharing.apply"
    ANSWER = "sharing.answer"
    OVERSEE = "sharing.oversee"
    DEMAND = "forms.demand"
    CASE_REPORT = "case.report"
    CASE_DESK = "case.desk"
    CASE_DISPATCH = "case.dispatch"
    CASE_HANDLE = "case.handle"
    CASE_CHECK = "case.check"
    CASE_RATE = "case.rate"
    SWITCH_RULE = "rules.switch"
    REHEARSE = "rules.rehearse"
    TRACE = "tracing.begin"
    SCORE = "evaluation.score"
    APPEAL = "evaluation.appeal"
    ASK_SERVICE = "service.ask"
    ANSWER_SERVICE = "service.answer"
    SEE_USES = "subject.see_uses"
    OBJECT = "subject.object"
    READ_AUDIT = "audit.read"
    MAKE_KEY = "keys.make"
    SEE_ACCOUNTS = "accounts.see"
    MANAGE_ACCOUNTS = "accounts.manage"


_SUBJECT = frozenset(
    {Right.CASE_REPORT, Right.CASE_RATE, Right.ASK_SERVICE, Right.SEE_USES, Right.OBJECT}
)
_STAFF = frozenset({Right.READ, Right.CASE_REPORT, Right.READ_AUDIT, Right.DOUBT})

RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.STEWARD: _STAFF
    | {Right.CORRECT, Right.PUBLISH, Right.ANSWER, Right.CASE_HANDLE, Right.APPEAL}
    | {Right.ANSWER_SERVICE, Right.MAKE_KEY},
    Role.DATA_USER: _STAFF | {Right.QUERY, Right.VERIFY, Right.APPLY, Right.DEMAND, Right.MAKE_KEY},
    Role.ANALYST: _STAFF | {Right.QUERY, Right.REHEARSE, Right.TRACE, Right.MAKE_KEY},
    Role.DUTY_OFFICER: _STAFF
    | {Right.CASE_DESK, Right.CASE_DISPATCH, Right.CASE_CHECK, Right.VERIFY, Right.TRACE},
    Role.FIELD_OFFICER: _STAFF | {Right.CASE_HANDLE, Right.VERIFY},
    Role.MANAGER: _STAFF
    | {Right.OVERSEE, Right.SCORE, Right.APPEAL, Right.SWITCH_RULE, Right.REHEARSE}
    | {Right.TRACE, Right.SEE_ACCOUNTS},
    Role.COMPANY: _SUBJECT | {Right.CASE_HANDLE},
    Role.CITIZEN: _SUBJECT,
    # Who gives rights to others holds none over data: that would be two keys in one hand.
    Role.ADMINISTRATOR: frozenset({Right.SEE_ACCOUNTS, Right.MANAGE_ACCOUNTS, Right.READ_AUDIT}),
}


def role_of(text: str) -> Role:
    """Return the role that a text names; AccountError `share.role_unknown`."""
    return _word(Role, text, "role")


def right_of(text: str) -> Right:
    """Return the right that a text names; AccountError `share.right_unknown`."""
    return _word(Right, text, "right")


def _word(words: type[Word], text: str, what: str) -> Word:
    try:
        return words(text)
    except ValueError:
        raise AccountError(
            f"share.{what}_unknown",
            f"There is no {what} {text[:40]!r}.",
            next_step=f"Use one of: {', '.join(words)}.",
        ) from None
